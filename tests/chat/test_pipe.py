from __future__ import annotations

import io

import pytest

from fusion_graph.chat.pipe import PipeScreen
from fusion_graph.chat.talk import Talk
from fusion_graph.errors import UsageError
from tests.chat.talking import ScriptedPanel


class Gone(Exception):
    """Nobody reads."""


async def test_a_question_a_line_and_nothing_but_answers() -> None:
    out, err = io.StringIO(), io.StringIO()
    source = io.StringIO("one\ntwo\\\nlines\n/undo\nlast without an end")
    screen = PipeScreen(source, lambda text, end: print(text, end=end, file=out), lambda text: print(text, file=err))
    talk = Talk(ScriptedPanel({"*": "words"}), screen)
    await talk.run()
    assert [turn.question for turn in talk.session.turns] == ["one", "last without an end"]
    assert out.getvalue() == "words\nwords\ntaken back: two\nwords\n"
    assert "verdict" in err.getvalue()  # the judge wrote no analysis: that is told


async def test_a_reader_who_is_gone_ends_it() -> None:
    def out(_text: str, _end: str) -> None:
        raise Gone

    screen = PipeScreen(io.StringIO("one\ntwo\n"), out, lambda _text: None)
    talk = Talk(ScriptedPanel({"*": "words"}), screen)
    with pytest.raises(Gone):
        await talk.run()
    assert talk.session.runs == []


async def test_what_is_no_text_is_told() -> None:
    screen = PipeScreen(io.StringIO("caf\udce9\n"), lambda _text, _end: None, lambda _text: None)
    with pytest.raises(UsageError, match="not UTF-8"):
        await screen.read()
