"""Sessions that are taken up again, whatever cut them off."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fusion_graph.agent.happenings import PutOff
from fusion_graph.agent.memory import PUT_OFF, STOPPED, Memory, begin, resume
from fusion_graph.engine.tooluse import UNSURE
from fusion_graph.errors import UsageError
from fusion_graph.messages import Message, ToolCall
from fusion_graph.store.journal import FILE, Journal
from tests.store.keeping import opened

CALL = ToolCall(id="c1", name="bash", arguments='{"command": "x"}')
SAID = (
    Message("user", "do it"),
    Message("assistant", "", tool_calls=(CALL,)),
    Message("tool", "done", tool_call_id="c1"),
)


def kept(folder: Path) -> Memory:
    with opened(folder) as journal:
        memory = begin(journal, "/project")
        memory.add(SAID[0])
        memory.reply(SAID[1], 10, 0.5)
        memory.add(SAID[2])
        memory.series.end("finished")
    return memory


def test_a_session_goes_on_where_it_was(tmp_path: Path) -> None:
    first = kept(tmp_path)
    with opened(tmp_path) as journal:
        again = resume(journal, "last", "/project")
        assert (again.name, again.messages, again.tokens, again.cost_usd) == (first.name, list(SAID), 10, 0.5)
        assert (again.replies, again.step_id) == (1, first.step_id)
        again.shorten([Message("user", "short")])
        again.series.end("steps")
    with opened(tmp_path) as journal:
        third = resume(journal, first.name[:6], "/project")
        assert third.messages == [Message("user", "short")]


async def test_a_call_that_was_under_way_is_told_to_be_so(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        memory = begin(journal, "/project")
        memory.add(SAID[0])
        memory.reply(Message("assistant", "", tool_calls=(CALL, ToolCall(id="c2", name="x", arguments=""))), 1, 0.0)
        await memory.act(CALL)
        assert memory.unsure == set()  # this process knows
        memory.series.end("stopped")
    with opened(tmp_path) as journal:
        again = resume(journal, "last", "/project")
        assert [call.id for call in again.open_calls] == ["c1", "c2"]
        assert (again.unsure, again.ended, again.replies) == ({"c1"}, False, 1)
        again.mend(PUT_OFF)
        assert [message.text for message in again.messages[-2:]] == [UNSURE, PUT_OFF]
        assert again.open_calls == []


def test_only_what_was_asked_last_is_open() -> None:
    """Models number their calls anew in each reply."""
    memory = begin(Journal(None), "/project")
    memory.add(*SAID)
    memory.add(SAID[1])
    assert memory.open_calls == [CALL]
    memory.mend()
    assert memory.messages[-1] == Message("tool", STOPPED, tool_call_id="c1")


def test_a_run_that_goes_on_is_paid_once() -> None:
    memory = begin(Journal(None), "/project")
    for _ in range(2):
        memory.spend(10, 0.5, "run")
    memory.spend(1, 0.5)
    assert (memory.tokens, memory.cost_usd) == (11, 1.0)


def test_what_it_is_about_stays(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        memory = begin(journal, "/project")
        memory.note(native=False)
        memory.note(planning=True)
        memory.series.end("stopped")
    with opened(tmp_path) as journal:
        again = resume(journal, "last", "/project")
        assert (again.native, again.planning, again.ended) == (False, True, False)
        again.note(ended=True)
        assert again.ended


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    memory = kept(tmp_path)
    with opened(tmp_path) as journal:
        for name, root, told in (
            ("nope", "/project", "no session nope"),
            ("../x", "/project", r"no session \.\./x"),
            (memory.name, "/other", "worked on /project, not on /other"),
            ("last", "/other", "no session last that worked on /other"),
        ):
            with pytest.raises(UsageError, match=told):
                resume(journal, name, root)
        with closing(sqlite3.connect(tmp_path / FILE)) as writing:
            writing.execute("UPDATE lines SET body = ? WHERE number = 1", (json.dumps({"message": 1}),))
            writing.commit()
        with pytest.raises(UsageError, match="line 2 of session"):
            resume(journal, memory.name, "/project")
    with pytest.raises(UsageError, match="journal cannot be read"):
        resume(Journal(None), "last", "/project")


def test_one_that_goes_on_in_another_process_is_left_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        memory = begin(journal, "/project")
        memory.add(SAID[0])
        journal.close()  # written down, and this process is still there
        with opened(tmp_path) as other, pytest.raises(UsageError, match="still going on in process"):
            resume(other, "last", "/project")


def test_an_unknown_price_stays_unknown() -> None:
    memory = begin(Journal(None), "/project")
    memory.spend(1, None)
    memory.spend(1, 0.5)
    assert (memory.tokens, memory.cost_usd) == (2, None)


def test_a_home_that_cannot_be_written_costs_no_session(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal = Journal(tmp_path / "file" / "x")
    memory = begin(journal, "/project")
    memory.add(SAID[0])
    assert (memory.series.kept, memory.messages) == (False, [SAID[0]])


async def run_in(memory: Memory, run_id: str, *, state: str = "ok") -> None:
    """A run of the session: an attempt that cost a dollar, one in flight at a kill, and one without a budget."""
    await memory.series.flush()
    with closing(sqlite3.connect(memory.series.journal.path or "")) as writing:
        writing.execute(
            "INSERT INTO runs (id, pipeline, file, command, source, params, messages, fence, owner, state, began,"
            " tried, series) VALUES (?, 'brain', '', 'code', '', '{}', '', '', 'here/1/1', ?, 0, 0, ?)",
            (run_id, state, memory.name),
        )
        for number, (how, cost, held) in enumerate((("ok", 1.0, 4.0), ("started", None, 2.0), ("started", None, None))):
            writing.execute(
                "INSERT INTO attempts (run, try, node, call, attempt, model, digest, state, began, prompt_tokens,"
                " cost_usd, reserved_usd) VALUES (?, 1, 'brain', ?, 1, 'm', '', ?, 0, 7, ?, ?)",
                (run_id, number, how, cost, held),
            )
        writing.commit()


async def test_what_is_given_up_was_paid_for(tmp_path: Path) -> None:
    """A step that was cut off, and a council: each counts once, however often something else is done instead."""
    with opened(tmp_path) as journal:
        memory = begin(journal, "/project")
        memory.add(SAID[0])
        await run_in(memory, memory.step_id)
        memory.reply(SAID[1], 10, 0.5)  # this one is not lost
        council = memory.council_id("which?", 0)
        await run_in(memory, council)
        memory.spend(20, 0.25, council)
        memory.add(SAID[2])
        await run_in(memory, memory.step_id, state="running")
        memory.series.end("stopped")
    for told in (PutOff(21, 3.0), None):
        with opened(tmp_path) as journal:
            again = resume(journal, "last", "/project")
            assert again.give_up() == told
            assert (again.tokens, again.cost_usd) == (10 + 20 + 21, 0.5 + 0.25 + 3.0)
            again.add(Message("user", "something else"))
            again.series.end("stopped")


def test_what_is_stopped_without_a_journal_was_paid_for_too() -> None:
    memory = begin(Journal(None), "/project")
    memory.stopped["run"] = (5, 0.5)
    for _ in range(2):
        memory.give_up()
    assert (memory.tokens, memory.cost_usd) == (5, 0.5)


def test_a_folder_whose_name_is_no_text_has_a_session_too(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        memory = begin(journal, "/caf\udce9")
        memory.add(SAID[0])
        memory.series.end("stopped")
    with opened(tmp_path) as journal:
        assert resume(journal, "last", "/caf\udce9").messages == [SAID[0]]
        with pytest.raises(UsageError, match="no session"):
            resume(journal, "\udce9", "/caf\udce9")
