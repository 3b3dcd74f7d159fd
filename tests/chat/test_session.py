"""What a conversation remembers, in this process and in the next one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest

from fusion_graph.chat.session import Session, begin, costs_by_model, resume
from fusion_graph.chat.talk import Talk
from fusion_graph.errors import Permanent, UsageError
from fusion_graph.providers.sim import Script
from fusion_graph.store.journal import FILE, Journal
from fusion_graph.store.series import Series
from tests.chat.keeping import KeptPanel
from tests.chat.talking import Remembered, talked
from tests.store.keeping import opened


def test_an_empty_session() -> None:
    session = begin(Journal(None))
    session.ask("hello")
    assert [m.text for m in session.messages] == ["hello"]
    assert (session.undo(), session.last, session.cost_usd, session.written("x.md")) == (None, None, 0.0, "")
    assert session.written("x.json") == '{\n  "turns": []\n}\n'


async def test_costs_by_model_over_all_runs() -> None:
    talk, _ = await talked({"*": "words"}, "one", "two")
    costs = costs_by_model(talk.session.runs)
    assert set(costs) == {("a/x", "panel"), ("b/y", "panel"), ("j/j", "judge"), ("s/w", "synth")}
    talk.session.cut_short.append(None)
    assert talk.session.cost_usd is None


async def kept(folder: Path, script: Script, *lines: str, name: str = "") -> tuple[Session, list[str]]:
    """A conversation that is written down, or goes on; and which models were asked."""
    with opened(folder) as journal:
        session = resume(journal, name) if name else begin(journal)
        panel = KeptPanel(script, session.series)
        await Talk(panel, Remembered(*lines), session).run()
        session.series.end("ok")
    return session, list(panel.stage.asked)


def told(session: Session) -> dict[str, object]:
    """All that it knows of itself."""
    return {f.name: getattr(session, f.name) for f in fields(session) if f.name not in ("series", "_counted")}


LOST = Permanent("bad_request", "refused")
LINES: tuple[tuple[str, ...], ...] = (
    ("one",),
    ("one", "two", "/undo"),
    ("one", "/retry"),
    ("one", "two", "/reset", "three"),
    ("one", "/undo", "/retry", "/retry"),
    ("one", "/reset"),
)


@pytest.mark.parametrize("lines", LINES)
async def test_it_is_the_same_in_another_process(lines: tuple[str, ...], tmp_path: Path) -> None:
    script: Script = {"s/w": [f"answer {n}" for n in range(9)], "*": "draft"}
    first, _ = await kept(tmp_path, script, *lines)
    with opened(tmp_path) as journal:
        again = resume(journal, "last")
        assert told(again) == told(first)
        assert (again.series.id, again.cut_off) == (first.series.id, "")
    following, _ = await kept(tmp_path, script, "more", name="last")
    assert [turn.question for turn in following.turns] == [*(turn.question for turn in first.turns), "more"]


async def test_a_turn_that_failed_is_none_in_another_process_either(tmp_path: Path) -> None:
    first, _ = await kept(tmp_path, {"s/w": ["fine", LOST, LOST], "*": "draft"}, "one", "/retry", "two")
    assert [turn.answer for turn in first.turns] == ["fine"]
    with opened(tmp_path) as journal:
        assert told(resume(journal, "last")) == told(first)
    again, _ = await kept(tmp_path, {"s/w": "better", "*": "draft"}, "/retry", name="last")
    assert [(turn.question, turn.answer) for turn in again.turns] == [("one", "fine"), ("two", "better")]


@pytest.mark.parametrize("asked", ["/retry", "two"])
async def test_a_question_that_was_cut_off_goes_on(asked: str, tmp_path: Path) -> None:
    """Killed when the panel had answered and the writer had not: only the writer is asked again."""
    await kept(tmp_path, {"*": "words"}, "one", "two")
    with closing(sqlite3.connect(tmp_path / FILE)) as writing:
        (run,) = writing.execute("SELECT id FROM runs ORDER BY rowid DESC LIMIT 1").fetchone()
        writing.execute("UPDATE runs SET state = 'running', owner = 'here/1/1', document = NULL WHERE id = ?", (run,))
        writing.execute("DELETE FROM node_runs WHERE run = ? AND node = 'answer'", (run,))
        writing.execute(
            "UPDATE attempts SET state = 'started', reply = NULL, cost_usd = NULL, reserved_usd = 0.5"
            " WHERE run = ? AND node = 'answer'",
            (run,),
        )
        writing.execute("DELETE FROM lines WHERE number = 3")
        writing.commit()
    with opened(tmp_path) as journal:
        session = resume(journal, "last")
        assert (session.cut_off, len(session.turns), session.cost_usd) == ("two", 1, 0.5)
    again, models = await kept(tmp_path, {"*": "at last"}, asked, name="last")
    assert models == ["s/w"]
    assert [turn.answer for turn in again.turns] == ["words", "at last"]
    assert (again.cost_usd, again.cut_off, len(again.runs)) == (0.5, "", 2)


async def test_another_question_puts_it_off(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        session = begin(journal)
        first = session.ask("one")
        session.stop(0.25, 12)
        assert session.tokens == 12
        assert (session.cut_off, session.ask("one")) == ("one", first)  # what it has bought is there
        assert session.ask("two") != first
        session.drop()
        assert session.cut_off == ""
        session.series.end("ok")
    with opened(tmp_path) as journal:
        again = resume(journal, session.series.id[:5])
        assert told(again) == told(session)
        assert (again.asked, again.cost_usd) == ("two", 0.25)


def test_what_cannot_go_on_is_told(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        old = Series(journal=journal, command="chat")  # of a version that wrote runs only
        old.begin()
        old.end("ok")
    with opened(tmp_path) as journal:
        for name, why in ((old.id, "holds nothing to go on with"), ("nope", "no conversation nope")):
            with pytest.raises(UsageError, match=why):
                resume(journal, name)
    with opened(tmp_path) as journal:
        broken = Series(journal=journal, command="chat")
        broken.write({"asked": "one", "again": False})
        broken.write({"asked": "two"})
        broken.end("ok")
    with opened(tmp_path) as journal, pytest.raises(UsageError, match="line 2 of conversation"):
        resume(journal, "last")
