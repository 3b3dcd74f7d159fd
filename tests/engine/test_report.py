"""Folds over events: nodes, usage, cost, timing, drafts."""

from __future__ import annotations

import pytest

from fusion_graph.engine.report import RunResult
from fusion_graph.engine.tally import Tally
from fusion_graph.errors import RunFailed, Transient
from fusion_graph.events import NodeFinished, NodeSkipped, NodeStarted
from fusion_graph.outputs import Analysis, Draft
from tests.engine.stage import FLAT, Stage, analysis
from tests.engine.traced import traced
from tests.graph.walk import bound_of

BOUND = bound_of(
    "a: {kind: proposer, model: m/a}\nb: {kind: proposer, model: m/b}\nf: {kind: fallback, inputs: [a, b]}"
)


def test_node_that_never_began_has_no_time() -> None:
    trace = traced(
        NodeStarted(1.0, "a"),
        NodeFinished(3.5, "a", "ok", value=Draft(text="x", node="a")),
        NodeSkipped(3.5, "b", "not_needed"),
        NodeFinished(3.5, "f", "ok", value=Draft(text="x", node="a")),
    )
    one, two, three = Tally(BOUND, trace).nodes
    assert (one.started_s, one.seconds, one.state) == (1.0, 2.5, "ok")
    assert (two.state, two.reason, two.seconds, two.cost_usd) == ("skipped", "not_needed", None, 0.0)
    assert (three.kind, three.model, three.seconds) == ("fallback", "", None)


async def test_report_of_a_run() -> None:
    stage = Stage({"m/a": [Transient("upstream_5xx", status=500), "alpha"], "m/j": analysis(), "*": "text"})
    result = await stage.run("""
        p: {kind: layer, models: [m/a, m/b]}
        j: {kind: judge, model: m/j, inputs: [p]}
        w: {kind: synth, model: m/w, inputs: [p, j]}
        """)
    by_id = {node.id: node for node in result.nodes}
    assert (by_id["p/a"].calls, by_id["p/a"].attempts) == (1, 2)
    assert [draft.node for draft in result.drafts] == ["p/a", "p/b", "w"]
    assert isinstance(result.analysis, Analysis)
    assert result.simulated
    assert result.pipeline == "test"
    assert result.timing_s["total"] >= max(result.timing_s[role] for role in ("panel", "judge", "synth"))


async def test_alternate_is_the_model_that_answered() -> None:
    stage = Stage({"m/a": Transient("x"), "m/b": "text"})
    result = await stage.run("a: {kind: proposer, model: m/a, alternates: [m/b], retry: {attempts: 1}}")
    assert result.nodes[0].model == "m/b"


async def test_cost_of_a_run_is_that_of_its_nodes() -> None:
    stage = Stage({"m/cheap": "text"}, prices=FLAT)
    result = await stage.run("p: {kind: sample, model: m/cheap, samples: 3}\nf: {kind: fallback, inputs: [p]}")
    assert result.cost_usd
    assert result.cost_usd == pytest.approx(sum(node.cost_usd or 0.0 for node in result.nodes))


async def test_failed_run_raises_when_its_text_is_read() -> None:
    result: RunResult = await Stage({"m/a": Transient("x")}).run("a: {kind: proposer, model: m/a}")
    assert (result.state, result.answer, result.choices) == ("failed", None, ())
    with pytest.raises(RunFailed):
        _ = result.text


async def test_run_without_a_judge_has_no_analysis() -> None:
    result = await Stage({"m/a": "x"}).run("a: {kind: proposer, model: m/a}")
    assert result.analysis is None
