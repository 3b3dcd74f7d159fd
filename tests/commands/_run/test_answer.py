"""The answer on stdout: in pieces or whole, its line ended, and no more once the reader is gone."""

from __future__ import annotations

import pytest

from fusion_graph.commands import _console
from fusion_graph.commands._run.answer import AnswerWriter
from fusion_graph.events import NodeStarted, TextDelta
from tests.commands.conftest import sim_result


class Told:
    """Counts what the writer calls."""

    def __init__(self) -> None:
        self.before = 0
        self.left = 0

    def writer(self) -> AnswerWriter:
        def before() -> None:
            self.before += 1

        def leave() -> None:
            self.left += 1

        return AnswerWriter(before=before, leave=leave)


async def test_pieces_come_as_they_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told()
    writer = told.writer()
    for event in (
        NodeStarted(0.0, "a"),
        TextDelta(0.1, "a", "Hel"),
        TextDelta(0.2, "a", "lo"),
        TextDelta(0.2, "a", "no", 1),
    ):
        writer(event)
    writer.finish(await sim_result())
    assert capsys.readouterr().out == "Hello\n"
    assert (told.before, told.left) == (1, 0)


async def test_an_answer_that_was_not_streamed_comes_whole(capsys: pytest.CaptureFixture[str]) -> None:
    result = await sim_result()
    Told().writer().finish(result)
    assert capsys.readouterr().out == result.text + "\n"


def test_a_reader_who_went_away_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told()
    writer = told.writer()

    def broken(*_args: object, **_more: object) -> None:
        raise _console.ReaderGone

    monkeypatch.setattr(_console, "out", broken)
    writer(TextDelta(0.1, "a", "Hel"))
    writer(TextDelta(0.2, "a", "lo"))
    assert isinstance(writer.gone, _console.ReaderGone)
    assert told.left == 1
