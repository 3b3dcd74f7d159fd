"""Nodes one by one: what is wrong in one does not hide what is wrong in the next."""

from __future__ import annotations

import pytest

from tests.graph.written import SAFE, codes, errors, expand, graph, load, only, read, warnings

PANEL = "panel: {kind: layer, models: [m/a, m/b]}"


def test_kind_must_be_known() -> None:
    assert only(graph("final: {kind: judg}")).hint == "did you mean judge?"
    assert only(graph("final: {model: m/m}")).code == "FG112"
    assert only(graph("final: {kind: [judge]}")).code == "FG115"


@pytest.mark.parametrize("kind", ["proposer", "synth", "refine", "sample", "layer"])
def test_required_options_are_asked_for(kind: str) -> None:
    found = codes(
        graph(
            f"panel: {{kind: layer, models: [m/a]}}, x: {{kind: {kind}, inputs: [panel/a]}}, final: "
            f"{{kind: fallback, inputs: [x, panel]}}"
        )
    )
    assert set(found) == ({"FG305"} if kind == "layer" else {"FG112"})


def test_one_bad_node_leaves_the_others_checked() -> None:
    text = graph(
        f"{PANEL}, answer: {{kind: synth, modl: w/w, inputs: [panel]}}, final: {{kind: fallback, inputs: "
        f"[answer, pannel], picks: 1}}"
    )
    assert codes(text) == ["FG112", "FG111", "FG201", "FG111"]


def test_bad_member_option_leaves_the_group_known() -> None:
    text = graph(
        f"panel: {{kind: layer, models: [{{model: m/a, temperature: 9}}, m/b], quorum: 3}}, "
        f"{SAFE.replace('[answer, panel]', '[answer, panel/a, panel/c]')}"
    )
    assert codes(text) == ["FG114", "FG501", "FG202"]


def test_unknown_group_hides_its_members_only() -> None:
    text = graph("panel: {kind: layer, models: 3}, final: {kind: fallback, inputs: [panel/a, panel, x]}")
    assert codes(text) == ["FG113", "FG201"]


def test_defaults_reach_nodes_that_call_models() -> None:
    """design 2: `defaults` are merged into every node that calls a model"""
    top = (
        "defaults: {temperature: 0.5, top_p: 0.9, present: {blind: false}, timeout: {total_s: 9}, retry: {attempts: 2}}"
    )
    text = graph(
        f"{PANEL}, v: {{kind: judge, model: j/j, inputs: [panel], timeout: {{idle_s: 3}}}},"
        " vote: {kind: judge, mode: vote,"
        " extract: last_number, inputs: [panel]}, answer: {kind: synth, model: w/w, inputs: [panel, v?]},"
        " final: {kind: fallback, inputs: [answer, vote, panel]}",
        top=top,
    )
    plain = expand(text)
    assert plain["v"].options == {
        "model": "j/j",
        "present": {"blind": False},
        "timeout": {"total_s": 9, "idle_s": 3},
        "retry": {"attempts": 2},
    }
    assert plain["panel/a"].options["top_p"] == plain["answer"].options["top_p"] == 0.9
    assert plain["vote"].options == {"mode": "vote", "extract": "last_number"}
    assert plain["final"].options == plain["panel"].options == {}


@pytest.mark.parametrize(("own", "expected"), [("temperature: 0.2, ", {"temperature": 0.2}), ("", {})])
def test_judge_keeps_its_own_temperature(own: str, expected: dict[str, float]) -> None:
    """semantics 5: a judge ignores `defaults.temperature` and `top_p` (its own value, else 0)"""
    text = graph(
        f"{PANEL}, v: {{kind: judge, mode: select, model: j/j, {own}inputs: [panel]}}, "
        f"final: {{kind: fallback, inputs: [v, panel]}}",
        top="defaults: {temperature: 0.9, top_p: 0.5}",
    )
    options = expand(text)["v"].options
    assert {name: options[name] for name in ("temperature", "top_p") if name in options} == expected


@pytest.mark.parametrize(
    ("node", "key"),
    [
        ("{kind: judge, mode: vote, extract: last_number, temperature: 0, inputs: [panel]}", "temperature"),
        ("{kind: layer, members: [panel], max_tokens: 5}", "max_tokens"),
    ],
)
def test_options_without_effect_warn(node: str, key: str) -> None:
    text = graph(f"{PANEL}, x: {node}, final: {{kind: fallback, inputs: [x, panel]}}")
    found = [d for d in read(text).diagnostics if d.code == "FG118"]
    assert [d.pointer for d in found] == [f"/nodes/x/{key}"]


def test_extract_serves_a_vote() -> None:
    """semantics 1: a vote judge may have `extract` when the drafts have none"""
    text = graph(
        f"{PANEL}, x: {{kind: judge, mode: vote, extract: last_number, inputs: [panel]}}, final: {{kind: "
        f"fallback, inputs: [x, panel]}}"
    )
    assert "FG118" not in warnings(text)


def test_group_hands_options_to_its_members() -> None:
    """semantics 1: a group hands `extract` to its members"""
    text = graph(
        f"panel: {{kind: layer, models: [m/a], extract: last_number, present: {{own: mark}}, quorum: 1}}, {SAFE}"
    )
    plain = expand(text)
    assert plain["panel/a"].options == {"model": "m/a", "extract": "last_number", "present": {"own": "mark"}}


def test_descriptions_stay_with_the_node() -> None:
    nodes = load(graph("final: {kind: proposer, model: m/m, description: 'costs $x'}")).nodes
    assert nodes[0].description == "costs $x"


@pytest.mark.parametrize("name", ["Panel", "1st", "a.b", "a b", "a/b", ""])
def test_ids_are_plain_words(name: str) -> None:
    """semantics 5: ids are `[a-z][a-z0-9_-]*`"""
    assert "FG114" in [
        e.split()[0]
        for e in errors(graph(f"'{name}': {{kind: proposer, model: m/m}}, final: {{kind: proposer, model: m/m}}"))
    ]
