"""The fold from events to `degraded` entries (semantics 1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fusion_graph.engine.degraded import DegradedEntry, degraded_entries
from fusion_graph.events import Degraded, Event, GroupClosed, NodeFinished, NodeSkipped
from fusion_graph.outputs import Draft, Drafts
from tests.graph.walk import bound_of

BOUND = bound_of("""
    p: {kind: layer, models: [m/a, m/b, m/c], quorum: 2}
    j: {kind: judge, model: m/j, inputs: [p]}
    w: {kind: synth, model: m/w, inputs: [p, 'j?']}
    f: {kind: fallback, inputs: [w, p]}
    """)
TEXT = Draft(text="text", node="w")


def fold(*events: Event, answer: Draft | None = TEXT) -> list[DegradedEntry]:
    return list(degraded_entries(BOUND, events, answer))


def failed(node: str, reason: str = "broken", state: str = "failed") -> NodeFinished:
    return NodeFinished(0.0, node, state, reason, f"{reason} in detail")  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", ["broken", "quorum_not_met", "no_input", "unusable:match", "auth_failed", "budget"])
def test_failure_is_an_entry(reason: str) -> None:
    (entry,) = fold(failed("p/a", reason))
    assert (entry.node, entry.role, entry.model, entry.reason) == ("p/a", "panel", "m/a", reason)
    assert entry.text == f"{reason} in detail"


@pytest.mark.parametrize(
    "event",
    [
        failed("w", "upstream:p"),
        failed("p/a", "hedge_not_launched"),
        failed("p/a", "late", "cancelled"),
        failed("p/a", "hedge_lost", "cancelled"),
        failed("p/a", "not_needed", "cancelled"),
        NodeSkipped(0.0, "w", "when"),
        NodeSkipped(0.0, "w", "not_needed"),
        NodeFinished(0.0, "w", "ok", value=TEXT),
    ],
)
def test_what_follows_or_was_meant_is_none(event: Event) -> None:
    assert fold(event) == []


@pytest.mark.parametrize("reason", ["deadline", "budget"])
def test_what_the_reserve_cut_is_an_entry(reason: str) -> None:
    assert [entry.reason for entry in fold(failed("j", reason, "cancelled"))] == [reason]


def test_late_members_are_entries() -> None:
    found = fold(GroupClosed(0.0, "p", ("p/a",), ("p/b", "p/c")))
    assert [(entry.node, entry.reason, entry.action) for entry in found] == [
        ("p/b", "late", "p went on with 1 of 3"),
        ("p/c", "late", "p went on with 1 of 3"),
    ]


def test_action_names_what_consumers_did() -> None:
    group = NodeFinished(0.0, "p", "ok", value=Drafts((TEXT,)))
    closed = GroupClosed(0.0, "p", ("p/b", "p/c"), ())
    (entry,) = fold(failed("p/a"), closed, group)
    assert entry.action == "p went on with 2 of 3"
    (judge,) = fold(failed("j"), NodeFinished(0.0, "w", "ok", value=TEXT))
    assert judge.action == "w went on without it"
    (writer,) = fold(failed("w"), GroupClosed(0.0, "f", ("p",), ()), NodeFinished(0.0, "f", "ok", value=TEXT))
    assert writer.action == "f took p"


def test_nobody_could_stand_in() -> None:
    (entry,) = fold(failed("w"), answer=None)
    assert entry.action == "nothing could stand in for it"


def test_truncated_answer_comes_last() -> None:
    found = fold(failed("j"), answer=replace(TEXT, finish_reason="length"))
    assert [entry.reason for entry in found] == ["broken", "truncated"]


def test_reports_of_kinds_stand_as_they_came() -> None:
    (entry,) = fold(Degraded(0.0, "w", "no_scores", "nobody scored", "took the first"))
    assert (entry.role, entry.text, entry.action) == ("synth", "nobody scored", "took the first")


def test_entry_of_an_unknown_node_is_kept() -> None:
    (entry,) = fold(Degraded(0.0, "gone", "x", "y", "z"))
    assert (entry.node, entry.role, entry.model) == ("gone", "other", "")
