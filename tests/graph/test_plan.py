"""The plan of a bound pipeline: who reads whom, by index (semantics 1)."""

from __future__ import annotations

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


def test_sources_are_inputs_only() -> None:
    assert named(PLAN.sources[PLAN.index["answer"]]) == ["panel", "ranked"]
    assert named(PLAN.required[PLAN.index["answer"]]) == ["panel"]
    assert named(PLAN.sources[PLAN.index["panel"]]) == ["panel/a", "panel/b"]


def test_before_holds_when_and_after() -> None:
    """semantics 1: `when` and `after` are edges too."""
    assert named(PLAN.before[PLAN.index["answer"]]) == ["ranked", "extra"]


def test_order_puts_every_node_after_what_it_names() -> None:
    place = {name: n for n, name in enumerate(PLAN.ids[i] for i in PLAN.order)}
    for i, name in enumerate(PLAN.ids):
        assert all(place[PLAN.ids[s]] < place[name] for s in (*PLAN.sources[i], *PLAN.before[i]))


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


def test_calls_and_groups_are_marked() -> None:
    assert [PLAN.ids[i] for i, calls in enumerate(PLAN.calls) if not calls] == ["panel", "final"]
    assert [PLAN.ids[i] for i, group in enumerate(PLAN.groups) if group] == ["panel"]


def test_draft_sources_leave_out_analyses() -> None:
    """semantics 1: what may bring the draft that a judge or synth cannot do without."""
    assert PLAN.draft_sources[PLAN.index["answer"]] == (PLAN.index["panel"],)
    assert PLAN.draft_sources[PLAN.index["extra"]] is None


def test_backups_lead_to_the_depth_before() -> None:
    plan = bound_of("p: {kind: layer, models: [m/a], repeat: 3}\nout: {kind: synth, model: m/w, inputs: [p]}").plan
    assert plan.backups[plan.index["p"]] == plan.index["p/l2"]
    assert plan.backups[plan.index["p/l2"]] == plan.index["p/l1"]
    assert plan.backups[plan.index["p/l1"]] == -1


def test_hedged_options_are_known() -> None:
    plan = bound_of("""
        one: {kind: proposer, model: m/1}
        two: {kind: proposer, model: m/2}
        final: {kind: fallback, inputs: [one, two], hedge_after_s: 1}
        """).plan
    assert plan.hedged == {0, 1}
    assert PLAN.hedged == frozenset()
