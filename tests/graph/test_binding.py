"""Binding: parameters reach the nodes, plans are reused, quorum is checked against the members (semantics 5 and 6)."""

from __future__ import annotations

import pytest

from fusion_graph.errors import PipelineError
from fusion_graph.graph.binding import KEPT, Blueprint, bind
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import ModelRef
from tests.graph.walk import bound_of, pipeline_of

SAMPLED = """
votes: {kind: sample, model: $model, samples: $k, temperature: $heat}
out: {kind: synth, model: m/w, inputs: [votes], when: {params.k: {above: $least}}}
final: {kind: fallback, inputs: [out, votes]}
"""
PARAMS = {
    "model": {"type": "string", "default": "m/a"},
    "k": {"type": "integer", "default": 2, "minimum": 1, "maximum": 9},
    "heat": {"type": "number", "default": 0.5},
    "least": {"type": "integer", "default": 0},
}


def blueprint() -> Blueprint:
    return Blueprint(pipeline_of(SAMPLED, params=PARAMS), KINDS)


def test_defaults_fill_absent_values() -> None:
    bound = blueprint().bind()
    assert [node.id for node in bound.nodes] == ["votes/1", "votes/2", "votes", "out", "final"]
    assert bound.params == {"model": "m/a", "k": 2, "heat": 0.5, "least": 0}
    assert bound.samplings[0]
    assert bound.samplings[0].temperature == 0.5


def test_shape_parameter_changes_the_graph() -> None:
    """semantics 6: a param under `samples` is a shape param."""
    assert len(blueprint().bind({"k": 5}).nodes) == 8


def test_value_parameter_changes_options_only() -> None:
    """semantics 6: model of one node, sampling, `when` operand are value params."""
    made = blueprint()
    first, second = made.bind(), made.bind({"model": "m/b", "heat": 0.9, "least": 7})
    assert [n.id for n in first.nodes] == [n.id for n in second.nodes]
    assert second.nodes[0].model
    assert second.nodes[0].model.model == ModelRef("m/b")
    assert second.samplings[0] is not None
    assert second.samplings[0].temperature == 0.9
    assert "7" in str(second.plan.conditions[3])


def test_same_values_give_the_same_plan() -> None:
    """semantics 6: an immutable plan, kept per values."""
    made = blueprint()
    assert made.bind({"k": 3}) is made.bind({"k": 3})
    assert made.bind() is made.bind({"k": 2})


def test_document_is_never_edited() -> None:
    """semantics 6: a request never edits the document."""
    pipeline = pipeline_of(SAMPLED, params=PARAMS)
    before = repr(pipeline)
    Blueprint(pipeline, KINDS).bind({"k": 4, "model": "m/z"})
    assert repr(pipeline) == before


def test_only_the_last_few_are_kept() -> None:
    """semantics 6: LRU."""
    made = blueprint()
    first = made.bind({"heat": 0.0})
    for i in range(KEPT):
        made.bind({"heat": i / KEPT + 0.001})
    assert made.bind({"heat": 0.0}) is not first


def test_quorum_is_checked_against_the_members() -> None:
    """semantics 6: quorum is checked against the members at binding."""
    text = "p: {kind: layer, models: $who, quorum: $q}\nout: {kind: synth, model: m/w, inputs: [p]}"
    params = {
        "who": {"type": "models", "default": ["m/a", "m/b"]},
        "q": {"type": "integer", "default": 2},
    }
    pipeline = pipeline_of(text, params=params)
    assert bind(pipeline, KINDS, {"who": ["m/a", "m/b", "m/c"]}).plan.group_waits[3] is not None
    with pytest.raises(PipelineError, match=r"FG501.*quorum 2 is above its 1 members"):
        bind(pipeline, KINDS, {"who": ["m/a"]})


def test_too_many_nodes_are_refused_before_building() -> None:
    """semantics 6: the product of multipliers is checked before expanding."""
    params = {"k": {"type": "integer", "default": 1}, "d": {"type": "integer", "default": 1}}
    pipeline = pipeline_of(
        "p: {kind: layer, models: [m/a, m/b], samples: $k, repeat: $d}\nout: {kind: synth, model: m/w, inputs: [p]}",
        params=params,
    )
    with pytest.raises(PipelineError, match="FG504"):
        bind(pipeline, KINDS, {"k": 100_000, "d": 1_000_000})


def test_seeds_are_apart() -> None:
    """semantics 2: the file's `seed` is the engine's and is not sent; a node's is; absent = nothing sent."""
    bound = bound_of("a: {kind: proposer, model: m/a}\nb: {kind: proposer, model: m/b, inputs: [a], seed: 3}", seed=9)
    assert bound.seed == 9
    assert [s.seed for s in bound.samplings if s] == [None, 3]
