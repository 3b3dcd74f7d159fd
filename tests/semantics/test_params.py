"""Sections 5 and 6: what `defaults` reach, and what a parameter may change."""

from __future__ import annotations

from textwrap import dedent

import pytest

from fusion_graph.errors import PipelineError
from fusion_graph.graph import reader
from fusion_graph.graph.binding import Blueprint, bind
from fusion_graph.graph.documents import parse
from fusion_graph.kinds import KINDS
from tests.engine.stage import Stage, analysis, states
from tests.graph.walk import bound_of
from tests.semantics.test_expansion import PANEL, panel

# --- defaults ---------------------------------------------------------------------------------------------------------


async def test_node_over_defaults_over_kind() -> None:
    # semantics 5: node over `defaults` over kind; a judge ignores `defaults.temperature` and `top_p`
    stage = Stage({"m/j": analysis(), "*": "text"})
    await stage.run(
        """
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b, temperature: 0.2}
        j: {kind: judge, model: m/j, inputs: [a, b]}
        k: {kind: judge, model: m/j, inputs: [a, b], temperature: 0.6}
        w: {kind: synth, model: m/w, inputs: [a, 'j?', 'k?']}
        """,
        top={"defaults": {"temperature": 0.9, "top_p": 0.5, "max_tokens": 50}},
    )
    sent = {call.model: call.sampling for call in stage.sim.received}
    assert (sent["m/a"].temperature, sent["m/b"].temperature) == (0.9, 0.2)
    assert [c.sampling.temperature for c in stage.sent("m/j")] == [0, 0.6]
    assert {c.sampling.top_p for c in stage.sent("m/j")} == {None}
    assert {call.sampling.max_tokens for call in stage.sim.received} == {50}


def test_tools_may_be_listed_and_inert() -> None:
    # semantics 5: `tools_enabled: false` with `tools: [...]` on a member is legal and inert in panel form (warning)
    source = b"name: x\npanel: [{model: m/a, tools: [web_search]}]\ntools_enabled: false\n"
    reading = reader.read(source, file="x.yaml", kinds=KINDS)
    assert reading.pipeline
    assert [d.severity for d in reading.diagnostics if "tools" in d.message] == ["warning"]
    assert bind(reading.pipeline, KINDS).nodes[0].model
    model = bind(reading.pipeline, KINDS).nodes[0].model
    assert model
    assert model.tools == ()


def test_retries_are_attempts_less_one() -> None:
    # semantics 5: `max_retries: 2` = `attempts: 3`
    model = panel("name: x\npanel: [m/a]\nmax_retries: 4").nodes[0].model
    assert model
    assert model.retry.attempts == 5


def test_omitted_judge_is_the_default_presets() -> None:
    # semantics 5: an omitted `judge` or `synthesizer` is the default preset's; refine uses the synthesizer
    bound = panel("name: x\npanel: [m/a]\nsynthesizer: m/s\nrefine: true")
    models = {str(node.id): str(node.model.model) for node in bound.nodes if node.model}
    assert models["refine"] == models["synth"] == "m/s"
    assert models["judge"] == "openai/gpt-5.5"


# --- params -----------------------------------------------------------------------------------------------------------


def test_shape_params_are_told_from_value_params() -> None:
    # semantics 6: a param used under `models, members, samples, repeat, spread, key` is a shape param
    pipeline = reader.load(dedent(PANEL).encode(), file="panel.yaml", kinds=KINDS)
    assert {name for name, spec in pipeline.params.items() if spec.shape} >= {"panel", "layers", "samples", "diversity"}
    assert {name for name, spec in pipeline.params.items() if not spec.shape} == {"judge", "synthesizer", "refine"}


async def test_panel_form_is_called_by_its_params() -> None:
    # semantics 6: the panel form is one fixed graph with declared params
    made = Blueprint(reader.load(dedent(PANEL).encode(), file="panel.yaml", kinds=KINDS), KINDS)
    values = {"panel": ["m/x"], "layers": 1, "samples": 1, "refine": False, "judge": "m/k", "synthesizer": "m/z"}
    stage = Stage({"m/k": analysis(), "*": "text"})
    result = await stage.run(made.bind(values))
    assert stage.asked == ["m/x", "m/k", "m/z"]
    assert states(result)["refine"] == "skipped when"
    assert result.state == "ok"


@pytest.mark.parametrize(
    "node",
    [
        "w: {kind: $p, model: m/a}",
        "w: {kind: proposer, model: m/a, inputs: [$p]}",
        "w: {kind: proposer, model: m/a, after: [$p]}",
        "w: {kind: judge, mode: $p, model: m/a}",
    ],
)
def test_some_places_take_no_parameter(node: str) -> None:
    # semantics 6: `kind, inputs, after, mode, output` take none
    with pytest.raises(PipelineError):
        bound_of(node, params={"p": {"type": "string", "default": "proposer"}})


async def test_dollars_are_escaped() -> None:
    # design 2: `$name` as a whole YAML value takes a param and keeps its type (`$$` for a literal dollar)
    stage = Stage({"*": "text"})
    params = {"heat": {"type": "number", "default": 0.25}}
    await stage.run("w: {kind: proposer, model: m/a, temperature: $heat, system: '$$heat'}", top={"params": params})
    (call,) = stage.sim.received
    assert call.sampling.temperature == 0.25
    assert call.messages[0].text == "$heat"


def test_key_that_is_not_declared_is_refused() -> None:
    # semantics 6: a param that the pipeline does not declare is an error
    with pytest.raises(PipelineError, match="FG203"):
        bound_of("w: {kind: proposer, model: $nobody}")


def test_documents_are_plain_values() -> None:
    document, faults = parse(dedent(PANEL).encode())
    assert not faults
    assert document.data["layers"] == 2
