"""Every slash command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fusion_graph.chat.commands import SLASHES, _point
from fusion_graph.errors import Permanent
from tests.chat.talking import ScriptedPanel, talked

SCRIPT = {"a/x": "from a", "b/y": "from b", "s/w": "the answer"}
"""The judge is the simulated mind's own, which knows how to fill an analysis."""


async def test_help_lists_every_command() -> None:
    _, screen = await talked(SCRIPT, "/help")
    assert all(f"/{name}" in screen.text for name in SLASHES)
    assert set(SLASHES) >= {
        "help",
        "reset",
        "stats",
        "exit",
        "pipeline",
        "drafts",
        "analysis",
        "cost",
        "save",
        "retry",
        "undo",
    }


async def test_drafts_and_analysis_of_the_last_turn() -> None:
    _, screen = await talked(SCRIPT, "why", "/drafts", "/analysis")
    assert ": panel/x (a/x)\n\nfrom a" in screen.text
    assert ": panel/y (b/y)\n\nfrom b" in screen.text
    assert not any(told.startswith("### answer") for told in screen.told)
    assert any(told.startswith("**") and "\n- " in told for told in screen.told)


async def test_labels_are_those_that_the_judge_saw_also_later_in_a_conversation() -> None:
    talk, screen = await talked(SCRIPT, "one", "two", "three", "/drafts")
    assert isinstance(talk.panel, ScriptedPanel)
    shown = talk.panel.stage.sent("j/j")[-1].messages[-1].text
    for node, text in (("panel/x", "from a"), ("panel/y", "from b")):
        label = talk.session.turns[-1].labels[node]
        assert re.search(rf"<<< \S*\s?{label} \|[^\n]*\n{text}", shown), shown
        assert f"### {label}: {node} (" in screen.text


def test_every_part_of_an_analysis_is_one_line() -> None:
    stances = [{"model": "A", "stance": "big"}, {"model": "B", "stance": "small"}]
    names = {"A": "A (panel/x)"}
    assert _point({"topic": "size", "stances": stances}, names) == "size: A (panel/x): big; B: small"
    assert _point({"models": ["A", "B"], "point": "price"}, names) == "A (panel/x), B: price"
    assert _point({"model": "B", "insight": "time"}, names) == "B: time"
    assert _point("plain", names) == "plain"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("/drafts", "there are no drafts yet"),
        ("/analysis", "no judge has compared anything yet"),
        ("/cost", "nothing was spent yet"),
        ("/undo", "error: there is nothing to take back"),
        ("/retry", "error: nothing was asked yet"),
        ("/save", "error: /save needs a file"),
        ("/foo", "error: there is no command /foo; /help lists them"),
        ("/drafs", "did you mean /drafts?"),
        ("/stats", "small: 0 turns, 0 runs, 0 calls, 0.0 s, 0 tokens, $0"),
        ("/pipeline none", "error: there is no preset 'none'"),
        ("/pipeline", "* small"),
        ("/", "error: there is no command /"),
    ],
)
async def test_before_anything_was_asked(line: str, told: str) -> None:
    _, screen = await talked(SCRIPT, line)
    assert told in screen.text


async def test_stats_and_cost() -> None:
    _, screen = await talked(SCRIPT, "why", "/stats", "/COST")
    assert "small: 1 turn, 1 run, 4 calls" in screen.text
    assert "a/x" in screen.text
    assert "together" in screen.text


async def test_undo_and_reset() -> None:
    talk, screen = await talked(SCRIPT, "one", "two", "/undo")
    assert [turn.question for turn in talk.session.turns] == ["one"]
    assert "taken back: two" in screen.told
    talk, _ = await talked(SCRIPT, "one", "/reset")
    assert talk.session.turns == []
    assert len(talk.session.runs) == 1


async def test_retry_takes_the_place_of_the_last_answer() -> None:
    talk, _ = await talked({**SCRIPT, "s/w": ["first", "second"]}, "one", "/retry")
    assert [(turn.question, turn.answer) for turn in talk.session.turns] == [("one", "second")]


async def test_retry_asks_what_was_asked_without_the_answer_that_goes() -> None:
    talk, _ = await talked(SCRIPT, "zero", "one", "/retry")
    assert isinstance(talk.panel, ScriptedPanel)
    _, before, again = (call.messages for call in talk.panel.stage.sent("a/x"))
    assert again == before


async def test_retry_of_what_was_taken_back_replaces_nothing() -> None:
    talk, _ = await talked(SCRIPT, "one", "two", "/undo", "/retry")
    assert [turn.question for turn in talk.session.turns] == ["one", "two"]


async def test_a_failed_retry_leaves_the_answer_that_was_there() -> None:
    lost = Permanent("bad_request")
    talk, _ = await talked({**SCRIPT, "s/w": ["first", lost]}, "one", "/retry")
    assert [turn.answer for turn in talk.session.turns] == ["first"]


async def test_a_failed_question_can_be_retried() -> None:
    lost = Permanent("bad_request")
    talk, _ = await talked({**SCRIPT, "s/w": [lost, "now"]}, "one", "/retry")
    assert [(turn.question, turn.answer) for turn in talk.session.turns] == [("one", "now")]


async def test_another_pipeline_answers() -> None:
    talk, screen = await talked(SCRIPT, "one", "/pipeline large")
    assert talk.panel.name == "large"
    assert "large answers from now on" in screen.text


async def test_exit_leaves() -> None:
    talk, _ = await talked(SCRIPT, "/exit", "never asked")
    assert talk.session.runs == []


async def test_a_conversation_is_saved_once(tmp_path: Path) -> None:
    file, data = tmp_path / "talk.md", tmp_path / "talk.json"
    _, screen = await talked(SCRIPT, "one", f"/save {file}", f"/save {file}", f"/save {data}", f"/save {tmp_path}/no/x")
    assert file.read_text() == "**You:** one\n\n**test:** the answer\n"
    assert json.loads(data.read_text())["turns"][0]["answer"] == "the answer"
    assert f"error: {file} is there already" in screen.text
    assert "cannot be written: No such file or directory" in screen.text
