"""Demand in stages and the opening of a run, by hand (semantics 1)."""

from __future__ import annotations

import pytest

from fusion_graph.outputs import Analysis, Outcome
from tests.graph.walk import NO_FINDINGS, TWO_SIDES, Walk, bound_of, bound_specs, spec

PAIR = """
a: {kind: proposer, model: m/a}
b: {kind: proposer, model: m/b}
"""


def test_nobody_demanded_never_runs() -> None:
    """semantics 1: nodes nobody demanded stay untouched."""
    walk = Walk(PAIR + "c: {kind: fallback, inputs: [a, b]}")
    assert walk.started == ["a"]
    assert walk.says("b") == "idle"


def test_when_is_judged_before_inputs_are_demanded() -> None:
    """semantics 1: stage 1 is the nodes named in `when` and `after`; only when `when` is true, all inputs."""
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        judged: {kind: judge, model: m/j, inputs: [a]}
        b: {kind: proposer, model: m/b}
        c: {kind: synth, model: m/c, inputs: [a, b], when: {judged.contradictions: {above: 0}}}
        d: {kind: fallback, inputs: [c, a]}
        """)
    walk.finish("a")
    walk.finish("judged", NO_FINDINGS)
    assert walk.says("c") == "skipped when"
    assert walk.says("b") == "idle"
    assert walk.says("d") == "ok"


def test_when_true_demands_all_inputs() -> None:
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        judged: {kind: judge, model: m/j, inputs: [a]}
        b: {kind: proposer, model: m/b}
        c: {kind: synth, model: m/c, inputs: [a, b], when: {judged.blind_spots: {at_least: 2}}}
        """)
    walk.finish("a")
    walk.finish("judged", TWO_SIDES)
    assert walk.running == ["b"]
    walk.finish("b")
    assert walk.running == ["c"]


@pytest.mark.parametrize("how", ["failed", "skipped", "cancelled"])
def test_condition_on_a_node_without_value_is_false(how: str) -> None:
    """semantics 1: node named in `when`, skipped or failed: condition false."""
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        judged: {kind: judge, model: m/j, inputs: [a]}
        c: {kind: synth, model: m/c, inputs: [a], when: {judged.contradictions: {not_equals: 7}}}
        """)
    walk.finish("a")
    walk.progress.finished(1, Outcome(how, None, "x"))  # type: ignore[arg-type]
    assert walk.says("c") == "skipped when"


def test_condition_waits_for_after_too() -> None:
    """semantics 1: `when` and `after` are edges: they demand, and both belong to stage 1."""
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b}
        x: {kind: proposer, model: m/x}
        c: {kind: synth, model: m/c, inputs: [x], after: [b], when: {a.chars: {above: 2}}}
        """)
    assert walk.started == ["a", "b"]
    walk.finish("a")
    assert walk.says("x") == "idle"
    walk.fail("b")
    assert walk.running == ["x"]


def test_named_and_read_node_is_demanded_once() -> None:
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        c: {kind: synth, model: m/c, inputs: [a], when: {a.truncated: {equals: false}}}
        """)
    walk.finish("a")
    assert walk.started == ["a", "c"]


def test_opening_is_shared_but_not_its_state() -> None:
    """One plan, many runs: what a run changes is its own."""
    bound = bound_of("""
        panel: {kind: layer, models: [m/a, m/b], quorum: all}
        answer: {kind: synth, model: m/w, inputs: [panel]}
        """)
    first, second = Walk(bound), Walk(bound)
    first.fail("panel/a")
    assert first.says("panel") == "failed quorum_not_met"
    assert second.says("panel") == "open"
    assert Walk(bound).started == second.started == ["panel/a", "panel/b"]


def test_starts_come_in_file_order() -> None:
    """semantics 1: order comes from the file."""
    walk = Walk("""
        z: {kind: proposer, model: m/z}
        y: {kind: proposer, model: m/y}
        c: {kind: synth, model: m/c, inputs: [y, z]}
        """)
    assert walk.started == ["z", "y"]


def test_long_chains_need_no_recursion() -> None:
    """10,000 nodes in a row, demanded and failed in one breath."""
    specs = [spec(f"n{i}", inputs=[f"n{i - 1}"] if i else []) for i in range(10_000)]
    walk = Walk(bound_specs(specs))
    walk.fail("n0")
    assert walk.says("n9999") == "failed upstream:n9998"


def test_analysis_type_is_read_by_field() -> None:
    """semantics 1: a list compares by its length."""
    assert len(Analysis(consensus=("x",)).consensus) == 1
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        judged: {kind: judge, model: m/j, inputs: [a]}
        c: {kind: synth, model: m/c, inputs: [a], when: {judged.consensus: {equals: 1}}}
        """)
    walk.finish("a")
    walk.finish("judged", TWO_SIDES)
    assert walk.running == ["c"]
