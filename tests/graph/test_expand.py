"""Structural nodes become plain ones, by the rules of semantics 5."""

from __future__ import annotations

import pytest

from fusion_graph.errors import PipelineError
from fusion_graph.graph.expand import expand as expand_pipeline
from fusion_graph.graph.expand import key_of, keys, merge
from fusion_graph.pipeline import Edge, NodeId, Param
from tests.graph.written import SAFE, expand, graph, load

MOA = graph(
    "first: {kind: proposer, model: o/o}, panel: {kind: layer, models: [a/x, b/y], repeat: 3, samples: 2, quorum: 2,"
    f" grace_s: 4, inputs: [first?]}}, {SAFE}"
)


def test_layer_becomes_members_and_join() -> None:
    plain = expand(graph(f"panel: {{kind: layer, models: [a/x, b/y], quorum: 1, temperature: 0.5}}, {SAFE}"))
    assert list(plain) == ["panel/x", "panel/y", "panel", "answer", "final"]
    assert plain["panel"].inputs == (Edge(NodeId("panel/x")), Edge(NodeId("panel/y")))
    assert (plain["panel"].kind, plain["panel"].options) == ("layer", {"quorum": 1})
    assert (plain["panel/x"].kind, plain["panel/x"].options) == ("proposer", {"temperature": 0.5, "model": "a/x"})


def test_sample_becomes_numbered_members() -> None:
    """semantics 5: expand into plain nodes `votes/<n>`"""
    text = graph(
        "panel: {kind: sample, model: a/x, samples: 3, window: 2, stop: {agree: 2}, extract: last_number}, " + SAFE
    )
    plain = expand(text)
    assert list(plain)[:4] == ["panel/1", "panel/2", "panel/3", "panel"]
    assert plain["panel"].options == {"window": 2, "stop": {"agree": 2}}
    assert plain["panel/2"].options == {"model": "a/x", "extract": "last_number"}


def test_nesting_is_depth_member_sample() -> None:
    """semantics 5: order of nesting; the last depth keeps `panel/<key>`, earlier ones are `panel/l1/<key>`"""
    one = ["x/1", "x/2", "x", "y/1", "y/2", "y"]
    depths = [f"{depth}/{name}" for depth in ("panel/l1", "panel/l2", "panel") for name in one]
    joined = [*depths[:6], "panel/l1", *depths[6:12], "panel/l2", *depths[12:], "panel"]
    assert list(expand(MOA)) == ["first", *joined, "answer", "final"]


def test_depth_reads_the_join_before() -> None:
    """semantics 5: `inputs` feed depth 1, depth d reads the join of d-1"""
    plain = expand(MOA)
    assert plain["panel/l1/x/2"].inputs == (Edge(NodeId("first"), optional=True),)
    assert plain["panel/l2/y/1"].inputs == (Edge(NodeId("panel/l1")),)
    assert plain["panel/x/1"].inputs == (Edge(NodeId("panel/l2")),)


def test_each_depth_has_the_same_quorum() -> None:
    """semantics 5: each depth has its own join with the same quorum and grace; it may hand on the depth before"""
    plain = expand(MOA)
    joins = [plain[name] for name in ("panel/l1", "panel/l2", "panel")]
    assert [dict(join.options) for join in joins] == [{"quorum": 2, "grace_s": 4}] * 3
    assert [join.backup for join in joins] == [None, "panel/l1", "panel/l2"]


def test_sampled_member_is_a_group() -> None:
    """semantics 5: a member becomes a sample group; the layer's quorum counts members"""
    plain = expand(MOA)
    assert [edge.node for edge in plain["panel"].inputs] == ["panel/x", "panel/y"]
    assert plain["panel/x"].kind == "sample"
    assert [edge.node for edge in plain["panel/x"].inputs] == ["panel/x/1", "panel/x/2"]


def test_one_sample_is_the_member_itself() -> None:
    assert list(expand(graph(f"panel: {{kind: layer, models: [a/x], samples: 1}}, {SAFE}")))[:2] == ["panel/x", "panel"]


def test_same_model_is_told_apart_by_draw() -> None:
    """semantics 7: draw = (ordinal of the same model in its layer, sample)"""
    text = graph(f"panel: {{kind: layer, models: [a/x, b/y, a/x, a/x@other], samples: 2}}, {SAFE}")
    draws = {name: node.member.draw for name, node in expand(text).items() if node.member and node.kind == "proposer"}
    assert list(draws.values()) == [(0, 0), (0, 1), (0, 0), (0, 1), (1, 0), (1, 1), (0, 0), (0, 1)]


def test_group_condition_goes_to_every_member() -> None:
    text = graph(
        "a: {kind: proposer, model: a/x}, panel: {kind: layer, models: [a/x, b/y], repeat: 2, after: [a],"
        f" when: {{a.chars: {{above: 0}}}}}}, {SAFE}"
    )
    plain = expand(text)
    members = [node for name, node in plain.items() if name.startswith("panel/") and node.kind == "proposer"]
    assert len(members) == 4
    assert all(node.when and node.after == ("a",) for node in members)
    assert plain["panel"].when is None
    assert plain["panel"].after == ()


def test_layer_of_members_keeps_its_own_condition() -> None:
    text = graph(
        "a: {kind: proposer, model: a/x}, b: {kind: proposer, model: b/y}, panel: {kind: layer, members: [a, b],"
        f" after: [a], quorum: all}}, {SAFE}"
    )
    join = expand(text)["panel"]
    assert ([edge.node for edge in join.inputs], join.after, join.options) == (["a", "b"], ("a",), {"quorum": "all"})


def test_member_options_win_over_the_group() -> None:
    text = graph(
        "panel: {kind: layer, models: [a/x, {model: b/y, temperature: 0.1, timeout: {idle_s: 5}}], temperature: 0.9,"
        f" timeout: {{total_s: 50}}}}, {SAFE}"
    )
    plain = expand(text)
    assert plain["panel/x"].options == {"temperature": 0.9, "timeout": {"total_s": 50}, "model": "a/x"}
    assert plain["panel/y"].options == {"temperature": 0.1, "timeout": {"total_s": 50, "idle_s": 5}, "model": "b/y"}


def test_spread_is_shared_by_depths_and_samples() -> None:
    """semantics 5: the same in every depth, shared by its samples; an own temperature leaves its slot empty"""
    text = graph(
        "panel: {kind: layer, models: [a/x, {model: b/y, temperature: 0.2}, c/z], temperature: 0.7, spread: 0.3,"
        f" repeat: 2, samples: 2}}, {SAFE}"
    )
    heat = {n: s.options["temperature"] for n, s in expand(text).items() if s.kind == "proposer"}
    assert {name: t for name, t in heat.items() if "/x/" in name} == dict.fromkeys((n for n in heat if "/x/" in n), 0.4)
    assert [heat["panel/y/1"], heat["panel/l1/z/2"]] == [0.2, 1.0]


def test_member_may_have_no_temperature() -> None:
    """semantics 5: `temperature: null` = not sent"""
    text = graph(
        f"panel: {{kind: layer, models: [a/x, {{model: b/y, temperature: null}}], temperature: 0.7, "
        f"spread: 0.3}}, {SAFE}"
    )
    assert expand(text)["panel/y"].options["temperature"] is None


def test_sample_spreads_over_its_samples() -> None:
    """semantics 5: in graph form `spread` on layer and sample"""
    plain = expand(graph(f"panel: {{kind: sample, model: a/x, samples: 3, temperature: 1, spread: 0.5}}, {SAFE}"))
    assert [plain[f"panel/{i}"].options["temperature"] for i in (1, 2, 3)] == [0.5, 1.0, 1.5]


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ("google/gemini-3.5-flash", "gemini-3-5-flash"),
        ("qwen3:8b@ollama", "qwen3-8b"),
        ("Vendor/Kimi-K2.6", "kimi-k2-6"),
        ("claude@20250514", "claude-20250514"),
        ("@cf/meta/llama", "llama"),
        ("a/b:free", "b-free"),
    ],
)
def test_key_is_the_last_path_segment(model: str, key: str) -> None:
    """semantics 5: else the last path segment without `@backend`, other characters to `-`"""
    assert key_of(model) == key


def test_repeated_keys_are_numbered() -> None:
    """semantics 5: repeats get `-2, -3`; an explicit key is never taken"""
    entries = [{"model": m} for m in ("a/x", "b/x", "c/x")]
    assert keys(entries) == ["x", "x-2", "x-3"]
    assert keys([*entries[:2], {"model": "d/d", "key": "x-2"}]) == ["x", "x-3", "x-2"]


def test_value_parameters_stay_until_bound() -> None:
    """semantics 6: the model of one node is a value parameter, a layer's models are shape parameters"""
    top = (
        "params: {m: {type: string, default: a/x}, n: {type: integer, default: 2}, l: {type: models, "
        "default: [a/b, c/d]}}"
    )
    text = graph(
        "panel: {kind: sample, model: $m, samples: $n}, more: {kind: layer, models: $l, inputs: [panel]}, "
        "answer: {kind: synth, model: $m, inputs: [more]}",
        output="answer",
        top=top,
    )
    plain = expand(text, n=3, l=["e/f", {"model": "g/h", "key": "own"}])
    assert plain["panel/3"].options == {"model": Param("m")}
    assert [n for n in plain if n.startswith("more/")] == ["more/f", "more/own"]
    assert {n: p.shape for n, p in load(text).params.items()} == {"m": False, "n": True, "l": True}


def test_product_is_checked_before_expanding() -> None:
    """semantics 6: the product of multipliers checked before expanding"""
    top = "params: {n: {type: integer, default: 2}, d: {type: integer, default: 1}}"
    pipeline = load(graph(f"panel: {{kind: layer, models: [a/x], samples: $n, repeat: $d}}, {SAFE}", top=top))
    with pytest.raises(PipelineError) as caught:
        expand_pipeline(pipeline, {"n": 10**9, "d": 10**9})
    assert caught.value.diagnostics[0].code == "FG504"


def test_member_that_is_gone_is_found_at_compile() -> None:
    """semantics 6: references to members hold for the defaults and are checked again for other shapes"""
    top = "params: {l: {type: models, default: [a/b, c/d]}}"
    text = graph("panel: {kind: layer, models: $l}, final: {kind: fallback, inputs: [panel/d, panel]}", top=top)
    with pytest.raises(PipelineError) as caught:
        expand_pipeline(load(text), {"l": ["a/b"]})
    (found,) = caught.value.diagnostics
    assert (found.code, found.pointer) == ("FG202", "/nodes/final")


def test_options_merge_one_level_deep() -> None:
    """semantics 5: node over defaults over kind"""
    under = {"temperature": 1, "timeout": {"total_s": 9, "idle_s": 1}, "tools": ["a"], "extract": {"regex": "x"}}
    over = {"timeout": {"idle_s": 2}, "tools": ["b"], "extract": {"pointer": "/a"}}
    merged = merge(under, over)
    assert merge({"timeout": {"idle_s": 1}}, {"timeout": Param("t")}) == {"timeout": Param("t")}
    assert merged == {
        "temperature": 1,
        "timeout": {"total_s": 9, "idle_s": 2},
        "tools": ["b"],
        "extract": {"pointer": "/a"},
    }
