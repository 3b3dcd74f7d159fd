"""graph/forecast/least: what must run, what may run, and conditions that parameters decide."""

from __future__ import annotations

from fusion_graph.graph.bound import Bound
from fusion_graph.graph.forecast.least import Least, decided, reachable
from tests.graph.shapes import RESEARCH, VOTES, bound, graph


def least(made: Bound) -> set[str]:
    weights = [int(node.model is not None) for node in made.nodes]
    return {made.nodes[i].id for i in Least(made.plan, weights).nodes() if weights[i]}


def asked(made: Bound) -> set[str]:
    return {made.nodes[i].id for i in reachable(made.plan) if made.nodes[i].model}


def test_node_with_when_may_be_skipped() -> None:
    made = bound(RESEARCH)
    assert "polish" not in least(made)
    assert {"panel/x", "panel/y", "panel/z", "verdict", "answer"} <= least(made)
    assert "polish" in asked(made)


def test_sample_with_stop_draws_one_window() -> None:
    assert least(bound(VOTES)) == {"votes/1", "votes/2", "votes/3"}


def test_when_on_parameters_is_decided() -> None:
    # semantics 1: only when `when` is true are the inputs demanded
    off, on = bound(RESEARCH, more=0), bound(RESEARCH, more=2)
    second = off.by_id["second/x"].index  # type: ignore[index]
    assert decided(off.plan.conditions[second], off.plan) is False
    assert decided(on.plan.conditions[second], on.plan) is True
    assert not Least(off.plan, [0] * len(off.nodes)).can_run(second)
    assert "second/x" in least(on)


def test_mixed_conditions_stay_open() -> None:
    made = graph("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b, when: {any: [{a.chars: {above: 9}}, {a.truncated: {equals: true}}]}}
        final: {kind: fallback, inputs: [b, a]}
    """)
    assert decided(made.plan.conditions[1], made.plan) is None
    assert least(made) == {"a"}


def test_any_of_decided_parts() -> None:
    text = RESEARCH.replace(
        "{params.more: {above: 0}}", "{any: [{params.more: {above: 5}}, {params.more: {below: 2}}]}"
    )
    for more, holds in ((1, True), (3, False)):
        made = bound(text, more=more)
        second = made.by_id["second/x"].index  # type: ignore[index]
        assert decided(made.plan.conditions[second], made.plan) is holds


def test_cheaper_way_through_a_fallback() -> None:
    """The first option may be skipped, and then the second one is dearer: the first way counts."""
    made = graph("""
        probe: {kind: sample, model: m/a, samples: 2, extract: last_number}
        agreed: {kind: judge, mode: vote, inputs: [probe], when: {probe.agreement: {at_least: 1}}}
        strong: {kind: proposer, model: m/s}
        final: {kind: fallback, inputs: [agreed, strong]}
    """)
    assert least(made) == {"probe/1", "probe/2"}
    assert "strong" in asked(made)


def test_skip_runs_down_required_edges() -> None:
    made = graph("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b, inputs: [a], when: {a.chars: {above: 9}}}
        c: {kind: proposer, model: m/c, inputs: [b]}
        d: {kind: proposer, model: m/d, inputs: [c?], after: [b]}
        final: {kind: fallback, inputs: [d]}
    """)
    assert least(made) == {"a", "d"}


def test_group_needs_enough_members() -> None:
    """Two of three members may be skipped, the quorum wants two: one of the two must run."""
    made = graph("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b, when: {a.chars: {above: 9}}}
        c: {kind: proposer, model: m/c, when: {a.chars: {above: 9}}}
        group: {kind: layer, members: [a, b, c], quorum: 2}
        final: {kind: synth, model: m/s, inputs: [group]}
    """)
    assert least(made) == {"a", "b", "final"}


def test_group_that_cannot_meet_its_quorum() -> None:
    made = bound("""
        version: 1
        name: never
        params: {on: {type: boolean, default: false}}
        nodes:
          a: {kind: proposer, model: m/a}
          b: {kind: proposer, model: m/b, when: {params.on: {equals: true}}}
          group: {kind: layer, members: [a, b], quorum: 2}
          final: {kind: fallback, inputs: [group]}
        output: final
    """)
    assert not Least(made.plan, [1] * 4).can_run(3)
    assert least(made) == set()


def test_fallback_may_be_skipped_whole() -> None:
    made = graph("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b, when: {a.chars: {above: 9}}}
        c: {kind: proposer, model: m/c, when: {a.chars: {above: 9}}}
        either: {kind: fallback, inputs: [b, c]}
        final: {kind: proposer, model: m/d, inputs: [either?]}
    """)
    assert least(made) == {"a", "final"}


def test_scores_are_asked_for_with_the_group() -> None:
    # semantics 2: a fallback's analysis inputs are demanded with its first group
    made = graph("""
        tries: {kind: sample, model: m/a, samples: 2}
        score: {kind: judge, mode: score, model: m/j, inputs: [tries]}
        final: {kind: fallback, inputs: [tries, score]}
    """)
    assert least(made) == {"tries/1", "tries/2", "score"}
