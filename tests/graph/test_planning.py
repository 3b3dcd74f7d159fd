"""Planning: bound nodes become a plan, by index (semantics 1)."""

from __future__ import annotations

import pytest

from fusion_graph.errors import PipelineError
from fusion_graph.graph.planning import topological
from tests.graph.walk import bound_of, bound_specs, spec

GRAPH = """
panel: {kind: layer, models: [m/a, m/b], quorum: 2, grace_s: 3}
ranked: {kind: judge, mode: rank, model: m/r, inputs: [panel]}
answer: {kind: synth, model: m/w, inputs: [panel, 'ranked?'], after: [extra], when: {ranked.margin: {above: 0}}}
extra: {kind: proposer, model: m/x}
final: {kind: fallback, pick: best_score, inputs: [answer, panel, ranked]}
"""
PLAN = bound_of(GRAPH).plan


def named(found: tuple[int, ...] | frozenset[int]) -> list[str]:
    return [PLAN.ids[i] for i in sorted(found)]


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


def test_quorum_above_its_members_is_refused() -> None:
    """semantics 6: quorum is checked against the members."""
    specs = [spec("a"), spec("b"), spec("p", "layer", members=["a", "b"], quorum=3), spec("out", "fallback", ["p"])]
    with pytest.raises(PipelineError, match=r"FG501.*quorum 3 is above its 2 members"):
        bound_specs(specs)


@pytest.mark.parametrize(
    ("sources", "order"),
    [
        (((), (), ()), (0, 1, 2)),
        (((2,), (), (1,)), (1, 2, 0)),
        (((1, 2), (2,), ()), (2, 1, 0)),
    ],
)
def test_topological_order_keeps_the_files(sources: tuple[tuple[int, ...], ...], order: tuple[int, ...]) -> None:
    assert topological(sources, ((), (), ())) == order


def test_topological_order_of_a_long_chain() -> None:
    """Without recursion, even where the file stands backwards."""
    size = 5000
    sources = tuple((i + 1,) if i + 1 < size else () for i in range(size))
    assert topological(sources, ((),) * size) == tuple(range(size))[::-1]


def test_any_names_all_its_nodes() -> None:
    plan = bound_of("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b}
        c: {kind: proposer, model: m/c, when: {any: [{a.chars: {above: 3}}, {b.chars: {above: $k}}]}}
        """, params={"k": {"type": "integer", "default": 1}}).plan  # fmt: skip
    assert plan.before[2] == (0, 1)
