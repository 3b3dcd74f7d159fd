"""Sessions that are taken up again, whatever cut them off."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph.agent.memory import STOPPED, Memory, begin, resume
from fusion_graph.errors import UsageError
from fusion_graph.messages import Message, ToolCall

CALL = ToolCall(id="c1", name="bash", arguments='{"command": "x"}')
SAID = (
    Message("user", "do it"),
    Message("assistant", "", tool_calls=(CALL,)),
    Message("tool", "done", tool_call_id="c1"),
)


def kept(folder: Path) -> Memory:
    memory = begin(folder, "/project")
    memory.add(*SAID)
    memory.spend(10, 0.5)
    memory.close()
    return memory


def test_a_session_goes_on_where_it_was(tmp_path: Path) -> None:
    first = kept(tmp_path)
    again = resume(tmp_path, "last", "/project")
    assert (again.name, again.messages, again.tokens, again.cost_usd) == (first.name, list(SAID), 10, 0.5)
    again.shorten([Message("user", "short")])
    again.close()
    third = resume(tmp_path, first.name, "/project")
    assert third.messages == [Message("user", "short")]
    third.close()
    assert (tmp_path / f"{first.name}.jsonl").stat().st_mode & 0o777 == 0o600


def test_an_open_call_is_answered(tmp_path: Path) -> None:
    memory = begin(tmp_path, "/project")
    memory.add(*SAID[:2])
    memory.close()
    again = resume(tmp_path, memory.name, "/project")
    assert again.messages[-1] == Message("tool", STOPPED, tool_call_id="c1")
    again.close()


def test_a_line_that_was_cut_off_is_forgotten(tmp_path: Path) -> None:
    memory = kept(tmp_path)
    path = tmp_path / f"{memory.name}.jsonl"
    path.write_text(path.read_text() + '{"message": {"role": "us')
    again = resume(tmp_path, memory.name, "/project")
    assert again.messages == list(SAID)
    again.add(Message("user", "on"))
    again.close()
    third = resume(tmp_path, memory.name, "/project")
    assert third.messages[-1] == Message("user", "on")
    third.close()


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    memory = kept(tmp_path)
    path = tmp_path / f"{memory.name}.jsonl"
    with pytest.raises(UsageError, match="no session nope"):
        resume(tmp_path, "nope", "/project")
    with pytest.raises(UsageError, match=r"no session \.\./x"):
        resume(tmp_path, "../x", "/project")
    with pytest.raises(UsageError, match="worked on /project, not on /other"):
        resume(tmp_path, memory.name, "/other")
    with pytest.raises(UsageError, match="no session has worked on /other"):
        resume(tmp_path, "last", "/other")
    path.write_text("garbage\n" + path.read_text())
    with pytest.raises(UsageError, match="not a line of a session"):
        resume(tmp_path, memory.name, "/project")


def test_an_unknown_price_stays_unknown() -> None:
    memory = begin(None, "/project")
    memory.spend(1, None)
    memory.spend(1, 0.5)
    assert (memory.tokens, memory.cost_usd) == (2, None)
    memory.close()


def test_a_home_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        begin(tmp_path / "file" / "x", "/project")
