"""Sections 5 and 6: what a file expands to, and what each member is then sent."""

from __future__ import annotations

from textwrap import dedent

import pytest

from fusion_graph.errors import PipelineError
from fusion_graph.graph import reader
from fusion_graph.graph.binding import bind
from fusion_graph.graph.bound import Bound
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import ModelRef
from tests.engine.stage import Stage, analysis, critique, entries, shown
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
