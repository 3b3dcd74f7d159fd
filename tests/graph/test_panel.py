"""The panel form is one fixed graph (semantics 5 and 6)."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.graph.panel import inert_tools, origin, to_graph
from fusion_graph.graph.reader import read_mapping
from fusion_graph.graph.yaml_text import to_yaml
from fusion_graph.kinds import KINDS
from tests.graph.written import codes, errors, expand, load, read, warnings

FULL = """
    name: fusion
    panel: [m/a, m/b, m/c]
    judge: j/j
    synthesizer: s/s
    layers: 2
    samples: 2
    refine: true
"""


def calls(text: str) -> int:
    """Calls when nothing is retried: a refine is a critique and a rewrite, whatever is computed none."""
    worth = {"proposer": 1, "judge": 1, "synth": 1, "refine": 2}
    return sum(worth.get(node.kind, 0) for node in expand(text).values())


def test_panel_of_the_contract_has_16_calls() -> None:
    """semantics 5: panel form with layers 2, samples 2, refine, members a b c"""
    plain = expand(FULL)
    depths = [f"{depth}/{m}/{s}" for depth in ("panel/l1", "panel") for m in "abc" for s in (1, 2)]
    assert [name for name, node in plain.items() if node.kind == "proposer"] == depths
    assert [e.node for e in plain["panel/b/1"].inputs] == ["panel/l1"]
    assert [(e.node, e.optional) for e in plain["synth"].inputs] == [("panel", False), ("judge", True)]
    assert [(e.node, e.optional) for e in plain["refine"].inputs] == [
        ("synth", False),
        ("judge", True),
        ("panel", False),
    ]
    assert [e.node for e in plain["answer"].inputs] == ["refine", "synth", "panel"]
    assert calls(FULL) == 16


def test_smallest_panel_is_one_model() -> None:
    pipeline = load("name: solo\npanel: [m/a]\n")
    assert (pipeline.panel_form, pipeline.output, pipeline.name) == (True, "answer", "solo")


def test_version_is_optional_in_panel_form() -> None:
    assert not read("version: 1\nname: x\npanel: [m/a]\n").diagnostics
    assert errors("version: 2\nname: x\npanel: [m/a]\n") == ["FG114 1:10"]


def test_diversity_spreads_and_can_be_switched_off() -> None:
    """semantics 5: diversity; semantics 6: a declared parameter"""
    text = "name: x\npanel: [m/a, m/b]\ntemperature: 1.0\ndiversity_jitter: 0.5\n"
    heat = [expand(text, diversity=on)["panel/a"].options["temperature"] for on in (True, False)]
    assert heat == [0.5, 1.0]


def test_null_temperature_is_neither_sent_nor_spread() -> None:
    """semantics 5: `temperature: null` = not sent"""
    plain = expand("name: x\npanel: [m/a, m/b]\ntemperature: null\n")
    assert [plain[n].options["temperature"] for n in ("panel/a", "panel/b", "synth")] == [None] * 3


def test_judge_ignores_the_panels_temperature() -> None:
    """semantics 5: a judge ignores `defaults.temperature` and `top_p`"""
    plain = expand("name: x\npanel: [m/a]\ntemperature: 1.5\nmax_tokens: 50\n")
    assert "temperature" not in plain["judge"].options
    assert plain["judge"].options["max_tokens"] == plain["synth"].options["max_tokens"] == 50


def test_max_retries_counts_from_the_second_try() -> None:
    """semantics 5: `max_retries: 2` = `attempts: 3`"""
    plain = expand("name: x\npanel: [m/a]\nmax_retries: 2\nretry_backoff: 1.5\n")
    assert plain["panel/a"].options["retry"] == {"attempts": 3, "backoff_s": 1.5}
    assert expand("name: x\npanel: [m/a]\n")["synth"].options["retry"] == {"attempts": 3, "backoff_s": 0.5}


@pytest.mark.parametrize(("enabled", "tools"), [("true", ["web_search"]), ("false", None)])
def test_tools_count_only_when_enabled(enabled: str, tools: object) -> None:
    """semantics 5: `tools_enabled: false` with `tools: [...]` on a member is legal and inert"""
    text = f"name: x\npanel: [{{model: m/a, tools: [web_search]}}]\ntools_enabled: {enabled}\n"
    assert expand(text)["panel/a"].options.get("tools") == tools
    assert warnings(text) == ([] if tools else ["FG118"])


def test_inert_tools_are_found_by_member() -> None:
    assert inert_tools({"panel": ["m/a", {"model": "m/b", "tools": ["x"]}]}) == [("panel", 1, "tools")]


def test_omitted_judge_and_synthesizer_have_defaults() -> None:
    """semantics 5: an omitted `judge` or `synthesizer` is the default preset's; refine uses the synthesizer"""
    params = load("name: x\npanel: [m/a]\n").params
    assert (params["judge"].default, params["synthesizer"].default) == ("openai/gpt-5.5", "anthropic/claude-opus-4.8")
    nodes = {n.id: n.options for n in load("name: x\npanel: [m/a]\n").nodes}
    assert nodes["refine"]["model"] == nodes["synth"]["model"]  # type: ignore[index]


def test_declared_parameters_are_those_of_the_contract() -> None:
    """semantics 6: panel, judge, synthesizer, refine, layers, samples, diversity"""
    params = load(FULL).params
    assert list(params) == ["panel", "judge", "synthesizer", "refine", "layers", "samples", "diversity"]
    assert {n for n, p in params.items() if p.shape} == {"panel", "layers", "samples", "diversity"}


def test_quorum_grace_limits_and_description_are_taken() -> None:
    """semantics 6: the panel form also takes `quorum, grace_s, limits, description`"""
    text = (
        "name: x\ndescription: d\npanel: [m/a, m/b]\nquorum: 1\ngrace_s: 3\nmax_concurrency: 2\nlimits: "
        "{deadline_s: 90}\n"
    )
    pipeline = load(text)
    assert (pipeline.description, pipeline.limits) == ("d", {"deadline_s": 90, "max_concurrency": 2})
    assert expand(text)["panel"].options == {"quorum": 1, "grace_s": 3}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: x\npanel: [m/a]\nquorum: 4\n", ["FG501 3:9"]),
        ("name: x\npanel: [m/a]\nlimits: {deadline_s: 5, reserve_s: 9}\n", ["FG502 3:36"]),
        ("name: x\npanel: [m/a, {model: m/b, typo: 1}]\n", ["FG111 2:27"]),
        ("name: x\npanel: []\n", ["FG114 2:8"]),
        ("name: x\npanel: [m/a]\njugde: a/b\n", ["FG111 3:1"]),
        ("name: x\npanel: [{model: m/a, key: k}, {model: m/b, key: k}]\n", ["FG209 2:8"]),
        ("panel: [m/a]\n", ["FG112 1:1"]),
        ("name: x\npanel: [m/a]\nlayers: 99\n", ["FG114 3:9"]),
        ("name: x\npanel: [{model: m/a, prompt: 'x {{nope}}'}]\n", ["FG204 2:30"]),
    ],
)
def test_errors_point_into_the_panel_file(text: str, expected: list[str]) -> None:
    assert errors(text) == expected


def test_origin_leads_back_to_the_panel() -> None:
    assert origin(("nodes", "synth", "model")) == ("synthesizer", "model")
    assert origin(("params", "panel", "default", 2, "key")) == ("panel", 2, "key")
    assert origin(("params", "layers", "default")) == ("layers",)
    assert origin(("nodes", "answer")) == ()


@pytest.mark.parametrize(
    "panel",
    [
        {"name": "x", "panel": ["m/a"]},
        {"name": "x", "panel": ["m/a", {"model": "m/b", "prompt": "a\nb\n", "key": "own"}], "temperature": None},
        {"name": "x", "panel": ["m/a"] * 3, "quorum": "all", "limits": {"budget_usd": 0.5}, "description": "no: yes"},
    ],
)
def test_printed_graph_is_the_same_pipeline(panel: dict[str, Any]) -> None:
    """semantics 5: `expand` prints the graph form, loadable; running either gives the same events"""
    printed = load(to_yaml(to_graph(panel)))
    rewritten = read_mapping(panel, kinds=KINDS).pipeline
    assert rewritten is not None
    assert (printed.nodes, printed.params, printed.limits) == (rewritten.nodes, rewritten.params, rewritten.limits)
    assert printed.digest == rewritten.digest


def test_printed_graph_keeps_its_structure() -> None:
    """semantics 5: layer, sample, repeat stay"""
    printed = to_yaml(to_graph({"name": "x", "panel": ["m/a"]}))
    assert "repeat: $layers" in printed
    assert "params.refine: {equals: true}" in printed
    assert codes(printed) == []
