"""Other sampling for the nodes of some roles; everything else stays."""

from __future__ import annotations

from fusion_graph.graph import reader
from fusion_graph.graph.binding import bind
from fusion_graph.graph.retuning import keep_tools, retune
from fusion_graph.kinds import KINDS
from tests.graph.walk import bound_of

TEXT = b"""
version: 1
name: x
nodes:
  panel: {kind: layer, models: [a/x, b/y], samples: 2}
  verdict: {kind: judge, model: j/j, inputs: [panel]}
  answer: {kind: synth, model: w/w, inputs: [panel, verdict?]}
output: answer
"""


def test_roles_are_tuned_apart() -> None:
    bound = bind(reader.load(TEXT, file="x.yaml", kinds=KINDS), KINDS)
    tuned = retune(bound, lambda role, _model: {"max_tokens": 7} if role == "panel" else {})
    for node, kind, sampling, sends in zip(tuned.nodes, tuned.kinds, tuned.samplings, tuned.sends, strict=True):
        wanted = 7 if kind.role == "panel" else None
        if node.model is not None:
            assert sampling is not None
            assert sends is not None
            assert node.model.max_tokens == sampling.max_tokens == sends[0].max_tokens == wanted
    assert tuned.plan is bound.plan
    assert retune(bound, lambda _role, _model: {}).nodes == bound.nodes


def test_a_writer_without_its_tools_is_not_held_for_them() -> None:
    """A request that leaves it none is streamed as if it had none."""
    bound = bound_of("w: {kind: proposer, model: w/w, tools: [read]}")
    assert bound.held == ("`tools`",)
    bare = keep_tools(bound, frozenset())
    assert bare.held == ("",)
    assert not bare.tooled
    assert keep_tools(bound, frozenset({"read"})).held == ("`tools`",)
