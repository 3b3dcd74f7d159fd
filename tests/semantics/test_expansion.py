"""Sections 5 and 6: what a file expands to, and what each member is then sent."""

from __future__ import annotations

from textwrap import dedent

import pytest

from fusion_graph.errors import PipelineError
from fusion_graph.graph import reader
from fusion_graph.graph.binding import Blueprint, Bound, bind
from fusion_graph.graph.documents import parse
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import ModelRef
from tests.engine.stage import Stage, analysis, critique, entries, shown, states
from tests.graph.walk import bound_of

OUT = "\nw: {kind: synth, model: m/w, inputs: [p]}"


def panel(text: str) -> Bound:
    """A panel-form file."""
    return bind(reader.load(dedent(text).encode(), file="panel.yaml", kinds=KINDS), KINDS)


def ids(bound: Bound) -> list[str]:
    return [node.id for node in bound.nodes]


def heats(bound: Bound) -> list[float | None]:
    return [s.temperature for s, node in zip(bound.samplings, bound.nodes, strict=True) if s and node.member]


# --- ids and keys -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Panel", "1p", "p.x", "p/x", "-p"])
def test_ids_have_one_form(name: str) -> None:
    # semantics 5: ids are `[a-z][a-z0-9_-]*`
    with pytest.raises(PipelineError):
        bound_of(f"'{name}': {{kind: proposer, model: m/a}}\na: {{kind: proposer, model: m/a}}")


def test_member_key_is_the_last_path_segment() -> None:
    # semantics 5: member key = long-form `key:`, else the last path segment without `@backend`, others to `-`
    models = "[google/gemini-3.5-flash, {model: x/y, key: ann}, a/b/Deep_Seek:free@second, m/a]"
    bound = bound_of(f"p: {{kind: layer, models: {models}}}" + OUT)
    assert ids(bound)[:4] == ["p/gemini-3-5-flash", "p/ann", "p/deep_seek-free", "p/a"]


def test_repeated_keys_are_numbered() -> None:
    # semantics 5: repeats get `-2, -3`: self-fusion is legal
    assert ids(bound_of("p: {kind: layer, models: [m/a, m/a, n/a]}" + OUT))[:3] == ["p/a", "p/a-2", "p/a-3"]


@pytest.mark.parametrize(
    ("slug", "model", "backend"),
    [
        ("claude@20250514", "claude@20250514", ""),
        ("@cf/meta/x", "@cf/meta/x", ""),
        ("qwen3:8b@ollama", "qwen3:8b", "ollama"),
        ("a/x@second", "a/x", "second"),
        ("a@b@c", "a@b", "c"),
    ],
)
def test_tail_is_a_backend_only_if_it_looks_like_one(slug: str, model: str, backend: str) -> None:
    # semantics 5: only if it matches `[a-z][a-z0-9_-]*` and the `@` is not first
    assert ModelRef.parse(slug) == ModelRef(model, backend)


# --- nesting ----------------------------------------------------------------------------------------------------------


def test_nesting_is_depth_member_sample() -> None:
    # semantics 5: order of nesting: depth, member, sample; the last depth keeps `panel/<key>`, earlier `panel/l1/<key>`
    bound = bound_of("p: {kind: layer, models: [m/a, m/b], repeat: 2, samples: 2}" + OUT)
    first = ["p/l1/a/1", "p/l1/a/2", "p/l1/a", "p/l1/b/1", "p/l1/b/2", "p/l1/b", "p/l1"]
    assert ids(bound)[:14] == [*first, *(name.replace("p/l1", "p") for name in first)]


async def test_inputs_feed_depth_one() -> None:
    # semantics 5: `inputs` feed depth 1, depth d reads the join of d-1
    stage = Stage({"m/x": "outside", "m/a": ["first", "second"], "m/w": "answer"})
    await stage.run("x: {kind: proposer, model: m/x}\np: {kind: layer, models: [m/a], repeat: 2, inputs: [x]}" + OUT)
    one, two = stage.sent("m/a")
    assert list(shown(one).values()) == ["outside"]
    assert list(shown(two).values()) == ["first"]
    assert list(shown(stage.sent("m/w")[0]).values()) == ["second"]


async def test_value_lists_all_samples() -> None:
    # semantics 5: the layer's quorum counts members, its value lists all drafts
    stage = Stage({"m/a": ["a1", "a2"], "m/b": ["b1", "b2"], "m/w": "answer"})
    await stage.run("p: {kind: layer, models: [m/a, m/b], samples: 2, quorum: 2}" + OUT)
    assert sorted(shown(stage.sent("m/w")[0]).values()) == ["a1", "a2", "b1", "b2"]


def test_each_depth_has_its_own_join() -> None:
    # semantics 5: each depth has its own join with the same quorum and grace
    plan = bound_of("p: {kind: layer, models: [m/a, m/b], repeat: 3, quorum: 2, grace_s: 4}" + OUT).plan
    waits = [plan.group_waits[plan.index[name]] for name in ("p/l1", "p/l2", "p")]
    assert waits[0] is not None
    assert (waits[0].quorum, waits[0].grace_s) == (2, 4)
    assert waits[0] == waits[1] == waits[2]


async def test_empty_depth_hands_on_the_one_before() -> None:
    # semantics 5: a depth that ends with nothing hands on the drafts of the depth before, degraded
    from fusion_graph.errors import Permanent

    stage = Stage({"m/a": ["kept", Permanent("bad_request")], "m/w": "answer"})
    result = await stage.run("p: {kind: layer, models: [m/a], repeat: 2}" + OUT)
    assert list(shown(stage.sent("m/w")[0]).values()) == ["kept"]
    assert entries(result) == [("p/a", "bad_request")]


PANEL = """
    name: mine
    panel: [m/a, m/b, m/c]
    judge: m/j
    synthesizer: m/s
    layers: 2
    samples: 2
    refine: true
    """


def test_panel_form_is_one_fixed_graph() -> None:
    # semantics 5: layers 2, samples 2, refine, members a b c: judge, synth, refine, answer = fallback
    bound = panel(PANEL)
    assert [node.id for node in bound.nodes if node.model] == [
        *(f"panel/l1/{key}/{n}" for key in "abc" for n in (1, 2)),
        *(f"panel/{key}/{n}" for key in "abc" for n in (1, 2)),
        "judge",
        "synth",
        "refine",
    ]
    assert [str(edge.node) + "?" * edge.optional for edge in bound.by_id[bound.nodes[-2].id].inputs] == [
        "synth", "judge?", "panel",
    ]  # fmt: skip
    assert [edge.node for edge in bound.nodes[-1].inputs] == ["refine", "synth", "panel"]


async def test_panel_form_makes_sixteen_calls_at_most() -> None:
    # semantics 5: 6 calls, 6 more that see those 6 drafts, judge 1, synth 1, refine 2, answer 0: at most 16 calls
    stage = Stage({"m/j": analysis(), "m/s": ["answer", critique("weak"), "better"], "*": "draft"})
    result = await stage.run(panel(PANEL))
    assert result.text == "better"
    assert len(stage.asked) == 16
    assert [len(shown(call)) for call in stage.sent("m/a")] == [0, 0, 6, 6]


# --- diversity --------------------------------------------------------------------------------------------------------


def test_temperatures_are_spread_over_members() -> None:
    # semantics 5: member i of n gets `temperature - jitter + 2 * jitter * i / (n - 1)`
    bound = panel("name: x\npanel: [m/a, m/b, m/c]\ntemperature: 0.7\ndiversity_jitter: 0.3")
    assert heats(bound) == [0.4, 0.7, 1.0]


def test_spread_is_the_same_in_every_depth() -> None:
    # semantics 5: the same in every depth, shared by its samples
    bound = panel("name: x\npanel: [m/a, m/b]\nlayers: 2\nsamples: 2\ntemperature: 1.0\ndiversity_jitter: 0.5")
    assert heats(bound) == [0.5, 0.5, 1.5, 1.5] * 2


def test_own_temperature_leaves_its_slot_empty() -> None:
    # semantics 5: a member with its own temperature keeps it and leaves its slot empty
    bound = panel("name: x\npanel: [m/a, {model: m/b, temperature: 0.1}, m/c]\ntemperature: 0.7")
    assert heats(bound) == [0.4, 0.1, 1.0]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("panel: [m/a, m/b]\ntemperature: null", [None, None]),
        ("panel: [m/a]\ntemperature: 0.7", [0.7]),
        ("panel: [m/a, m/b]\ntemperature: 0.7\ndiversity: false", [0.7, 0.7]),
        ("panel: [m/a, m/b]\ntemperature: 0.1", [0.0, 0.4]),
        ("panel: [m/a, m/b]\ntemperature: 1.9", [1.6, 2.0]),
    ],
    ids=["null is not sent", "one member", "switched off", "clamped below", "clamped above"],
)
def test_spread_has_its_limits(text: str, sent: list[float | None]) -> None:
    # semantics 5: `temperature: null` = not sent; one member = no spread; design 2: clamped to 0..2
    assert heats(panel("name: x\n" + text)) == sent


def test_spread_in_graph_form() -> None:
    # semantics 5: in graph form: layer option `spread: <jitter>`, as on sample
    bound = bound_of("p: {kind: layer, models: [m/a, m/b], temperature: 0.5, spread: 0.2}" + OUT)
    assert heats(bound) == [0.3, 0.7]
    sampled = bound_of("p: {kind: sample, model: m/a, samples: 3, temperature: 0.5, spread: 0.2}" + OUT)
    assert heats(sampled) == [0.3, 0.5, 0.7]


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
