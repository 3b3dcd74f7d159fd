"""graph/forecast/critical: the chain that holds the answer up."""

from __future__ import annotations

import pytest

from fusion_graph.graph.bound import Bound
from fusion_graph.graph.forecast.critical import critical_path
from tests.graph.shapes import RESEARCH, VOTES, bound, graph


def path(made: Bound, **seconds: float) -> tuple[list[str], float]:
    """Calls on the path and when it ends; a call takes 1 s where nothing else is said."""
    times = [seconds.get(node.id, 1.0 if node.model else 0.0) for node in made.nodes]
    found = critical_path(made.plan, times)
    return [made.nodes[i].id for i in found.nodes if times[i]], found.seconds


def test_slowest_member_holds_up_the_panel() -> None:
    chain, seconds = path(bound(RESEARCH), **{"panel/y": 5.0})
    assert chain == ["panel/y", "second/x", "verdict", "answer", "polish"]
    assert seconds == pytest.approx(9)


def test_windows_follow_each_other() -> None:
    assert path(bound(VOTES)) == (["votes/1", "votes/4", "votes/7"], 3)


def test_options_follow_each_other() -> None:
    # semantics 1: a fallback has one stage per option
    made = graph("""
        one: {kind: proposer, model: m/a}
        two: {kind: proposer, model: m/b}
        final: {kind: fallback, inputs: [one, two]}
    """)
    assert path(made, one=3.0) == (["one", "two"], 4)


def test_hedged_options_overlap() -> None:
    made = graph("""
        one: {kind: proposer, model: m/a}
        two: {kind: proposer, model: m/b}
        final: {kind: fallback, inputs: [one, two], hedge_after_s: 4}
    """)
    assert path(made, one=9.0, two=9.0) == (["one"], 13)


def test_inputs_wait_for_the_condition() -> None:
    made = graph("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b}
        final: {kind: proposer, model: m/c, inputs: [b], when: {a.chars: {above: 9}}}
    """)
    assert path(made) == (["a", "b", "final"], 3)


def test_decided_condition_demands_nothing() -> None:
    made = bound(RESEARCH, more=0)
    assert path(made, **{"second/x": 0.0, "second/w": 0.0})[0] == ["panel/x", "verdict", "answer", "polish"]


def test_scores_come_with_the_first_group() -> None:
    made = graph("""
        tries: {kind: sample, model: m/a, samples: 2}
        score: {kind: judge, mode: score, model: m/j, inputs: [tries]}
        final: {kind: fallback, inputs: [tries, score]}
    """)
    assert path(made) == (["tries/1", "score"], 2)


def test_long_chain_needs_no_recursion() -> None:
    nodes = "\n".join(
        f"n{i}: {{kind: proposer, model: m/a, inputs: [{f'n{i - 1}' if i else ''}]}}" for i in range(1500)
    )
    assert path(graph(nodes, "n1499"))[1] == 1500
