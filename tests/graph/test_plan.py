"""The plan of a bound pipeline: who reads whom, by index (semantics 1)."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from fusion_graph.contracts import WaitAll, WaitFirst, WaitGroup
from tests.graph.walk import bound_of

GRAPH = """
panel: {kind: layer, models: [m/a, m/b], quorum: 2, grace_s: 3}
ranked: {kind: judge, mode: rank, model: m/r, inputs: [panel]}
answer: {kind: synth, model: m/w, inputs: [panel, 'ranked?'], after: [extra], when: {ranked.margin: {above: 0}}}
extra: {kind: proposer, model: m/x}
final: {kind: fallback, pick: best_score, inputs: [answer, panel, ranked], hedge_after_s: 2}
"""
PLAN = bound_of(GRAPH.replace(", hedge_after_s: 2", "")).plan


def named(found: tuple[int, ...] | frozenset[int]) -> list[str]:
    return [PLAN.ids[i] for i in sorted(found)]


def test_ids_stand_in_file_order() -> None:
    assert PLAN.ids == ("panel/a", "panel/b", "panel", "ranked", "answer", "extra", "final")
    assert PLAN.index["answer"] == 4


def test_aids_are_not_options() -> None:
    """semantics 2: scoring judges help a fallback pick; they are no options."""
    final = PLAN.index["final"]
    assert named(PLAN.aids[final]) == ["ranked"]
    assert named(PLAN.options[final]) == ["panel", "answer"]
    assert PLAN.options[final] == (PLAN.index["answer"], PLAN.index["panel"])


def test_waits_are_sorted_by_type() -> None:
    kinds = {name: type(wait) for name, wait in zip(PLAN.ids, PLAN.waits, strict=True)}
    assert kinds["panel"] is WaitGroup
    assert kinds["final"] is WaitFirst
    assert kinds["answer"] is kinds["extra"] is WaitAll
    assert PLAN.group_waits[2] == WaitGroup(quorum=2, grace_s=3)
    assert PLAN.group_waits[4] is None
    assert PLAN.first_waits[2] is None
    assert PLAN.first_waits[6] == WaitFirst(None)


def test_patient_nodes_wait_for_all() -> None:
    """For them an input with a value decides nothing while others are pending."""
    assert [PLAN.ids[i] for i, patient in enumerate(PLAN.patient) if not patient] == ["panel", "final"]
    deep = bound_of("p: {kind: layer, models: [m/a], repeat: 2}\nout: {kind: synth, model: m/w, inputs: [p]}").plan
    assert [deep.ids[i] for i, patient in enumerate(deep.patient) if not patient] == ["p"]


def test_plan_is_never_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        PLAN.output = 0  # type: ignore[misc]
