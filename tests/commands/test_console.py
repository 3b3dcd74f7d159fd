"""Printing: what goes where, and what a terminal is spared."""

from __future__ import annotations

import io
import sys

import pytest

from fusion_graph.commands import _console, execute
from fusion_graph.wiring import pipelines


class Screen(io.TextIOWrapper):
    """A terminal that remembers."""

    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="")

    def isatty(self) -> bool:
        return True

    @property
    def shown(self) -> str:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode(self.encoding)


def test_the_answer_and_the_rest_go_apart(capsys: pytest.CaptureFixture[str]) -> None:
    _console.out("answer")
    _console.err("rest")
    assert capsys.readouterr() == ("answer\n", "rest\n")


def test_a_terminal_gets_no_control_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    _console.out("a\x1b[2Jb\tc\x07\u202ed\x9b1me \u00e9\u4e2d", end="")
    assert screen.shown == "a[2Jb\tcd1me \u00e9\u4e2d"


def test_a_pipe_gets_every_byte(capsys: pytest.CaptureFixture[str]) -> None:
    _console.out("a\x1b[2Jb", end="")
    assert capsys.readouterr().out == "a\x1b[2Jb"


def test_letters_that_a_stream_lacks_are_spelt_out(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen("ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    _console.out("caf\u00e9 \udc80", end="")
    assert screen.shown == "caf\\xe9 \\udc80"


@pytest.mark.parametrize("preset", pipelines.presets())
def test_a_drawing_is_one_where_lines_are_lacking_too(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen("ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    assert execute(["render", preset]) == 0
    assert "|" in screen.shown
    assert "\\u" not in screen.shown


def test_long_lines_break_between_words_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "20")
    _console.err("one two three four five-six")
    assert screen.shown == "one two three four\n  five-six\n"


def test_a_closed_stream_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    _console.out("nobody hears it")
    _console.out_bytes(b"nor this")
    assert not _console.is_terminal(None)
