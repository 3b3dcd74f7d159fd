"""What follows from the nodes of a bound pipeline."""

from __future__ import annotations

from dataclasses import replace

from tests.graph.walk import bound_of

TWO = """
panel: {kind: layer, models: [m/a, m/b@near], cache: true}
out: {kind: synth, model: m/a, inputs: [panel], alternates: [m/c@far]}
"""


def test_every_model_that_may_be_called_with_its_first_node() -> None:
    bound = bound_of(TWO)
    assert {str(ref): node.id for ref, node in bound.models.items()} == {
        "m/a": "panel/a", "m/b@near": "panel/b", "m/c@far": "out"
    }  # fmt: skip
    assert bound.backends == ("", "near", "far")
    assert bound.caches
    assert bound.reported[0] == ("panel/a", "proposer", "panel", "m/a")


def test_every_run_begins_where_the_output_is_demanded() -> None:
    """What the plan asks for first is the same in every run."""
    bound = bound_of(TWO)
    assert bound.opening.starts == [0, 1]


def test_other_nodes_have_other_facts() -> None:
    """A copy with other nodes (a replay, a swapped backend) must not keep what followed from the first ones."""
    bound = bound_of(TWO)
    fewer = replace(bound, nodes=tuple(replace(node, model=None) for node in bound.nodes))
    assert not fewer.models
    assert not fewer.backends
    assert not fewer.caches
    assert fewer.opening is not bound.opening


def test_turn_after_a_tool_is_the_writer_alone_and_worked_out_once() -> None:
    bound = bound_of(TWO)
    alone = bound.tool_turn
    assert alone is not None
    assert [node.id for node in alone.nodes] == ["out"]
    assert bound.tool_turn is alone


def test_drafters_are_the_writing_nodes() -> None:
    """semantics 2: labels are over all draft-writing nodes of the plan."""
    bound = bound_of("""
        panel: {kind: layer, models: [m/a, m/b]}
        judged: {kind: judge, model: m/j, inputs: [panel]}
        answer: {kind: synth, model: m/w, inputs: [panel, judged]}
        final: {kind: fallback, inputs: [answer, panel]}
        """)
    assert [bound.nodes[i].id for i in bound.drafters] == ["panel/a", "panel/b", "answer"]
