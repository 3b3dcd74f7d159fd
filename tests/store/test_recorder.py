"""Events become rows. Checked on SQL that is really run: whole runs stand in test_journal and test_history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fusion_graph.events import (
    CallFailed,
    CallFinished,
    CallStarted,
    Degraded,
    FirstToken,
    GroupClosed,
    NodeFinished,
    NodeReady,
    NodeSkipped,
    NodeStarted,
    RunFinished,
)
from fusion_graph.messages import Call, Completion, Sampling, Usage
from fusion_graph.store.recorder import AFRESH, AS_BEFORE, END, NOTE, RECEIVE, SEND, SHARED, Recorder


def recorded(*events: Any, offset: float = 0.0) -> list[tuple[str, Sequence[Any]]]:
    rows: list[tuple[str, Sequence[Any]]] = []
    recorder = Recorder(
        "run",
        2,
        put=lambda sql, values: rows.append((sql, values)),
        place=lambda text: f"<{text}>",
        digest=lambda _event: "digest",
        identities={"a": "who"},
        offset=offset,
    )
    for event in events:
        if isinstance(event, RunFinished):
            recorder.end(event, 99.0)
        else:
            recorder.tell(event)
    return rows


def test_attempt_is_told_when_it_leaves_and_when_it_ends() -> None:
    rows = recorded(
        CallStarted(1.0, "a", 0, 1, "m/a", Call("m/a", (), Sampling()), 0.25),
        FirstToken(2.0, "a", 0),
        CallFailed(3.0, "a", 0, 1, "m/a", "upstream_5xx", "it broke", Usage(estimated=True), 0.5, 0.1),
        offset=10.0,
    )
    assert [sql for sql, _ in rows] == [SEND, RECEIVE]
    assert rows[0][1] == ("run", 2, "a", 0, 1, "m/a", "digest", 11.0, 0.25)
    assert rows[1][1] == (
        "failed", "upstream_5xx", "it broke", 12.0, 13.0, 0.1, 0, 0, 0, 0, 0.5, False, None, "run", 2, "a", 0, 1
    )  # fmt: skip


def test_node_is_told_once_with_its_choice() -> None:
    rows = recorded(NodeReady(0.0, "a"), NodeStarted(1.0, "a"), GroupClosed(2.0, "a", ("x",), ("y",)),
                    NodeFinished(3.0, "a", "ok"))  # fmt: skip
    assert rows == [(AFRESH, ("run", "a", "who", "ok", "", "", 1.0, 3.0, '["x"]', '["y"]'))]


def test_what_is_nothing_new_leaves_the_old_row() -> None:
    rows = recorded(
        NodeFinished(1.0, "a", "replayed"), NodeSkipped(1.0, "b", "not_needed"), NodeSkipped(1.0, "c", "when")
    )
    assert [sql for sql, _ in rows] == [AS_BEFORE, AS_BEFORE, AFRESH]


def test_notes_and_the_end_are_told() -> None:
    rows = recorded(Degraded(1.0, "a", "late", "text", "action"), RunFinished(2.0, "failed", "budget"))
    assert rows == [(NOTE, ("run", 2, 1.0, "a", "late", "text", "action")), (END, ("failed", "budget", 99.0, "run"))]


def test_a_shared_reply_is_told_to_cost_nothing() -> None:
    told = Completion(text="t", notes=(SHARED,))
    ((_, row),) = recorded(CallFinished(1.0, "a", 0, 1, "m/a", told, Usage(prompt_tokens=5), 0.5, True))
    assert row[:3] == ("ok", SHARED, "")
    assert row[6:12] == (0, 0, 0, 0, 0.0, True)
