"""Declared parameters, their uses and defaults (semantics 6)."""

from __future__ import annotations

import pytest

from fusion_graph.graph.reading.params import fill, json_schema
from fusion_graph.pipeline import Param
from tests.graph.written import codes, errors, graph, load, read, warnings


def node(options: str, params: str, *, kind: str = "proposer, model: m/m") -> str:
    return graph(f"final: {{kind: {kind}, {options}}}", top=f"params: {{{params}}}")


def test_dollar_name_is_a_parameter() -> None:
    """design 2: `$name` as a whole YAML value takes a param and keeps its type (`$$` for a literal dollar)"""
    pipeline = load(node("temperature: $t, prompt: $$t, system: 5 $t", "t: {type: number, default: 0.5}"))
    assert pipeline.nodes[0].options == {"model": "m/m", "temperature": Param("t"), "prompt": "$t", "system": "5 $t"}


@pytest.mark.parametrize("text", ["$5 each", "$", "$Big", "$a b", "$$"])
def test_other_dollars_are_text(text: str) -> None:
    written = load(node(f"prompt: '{text}'", "")).nodes[0].options["prompt"]
    assert written == (text[1:] if text.startswith("$$") else text)


@pytest.mark.parametrize(
    ("option", "shape"),
    [
        ("models: $p", True),
        ("models: [$s]", True),
        ("models: [{model: m/a, key: $s}]", True),
        ("models: [m/a], repeat: $n", True),
        ("models: [m/a], samples: $n", True),
        ("models: [m/a], temperature: 1, spread: $n", True),
        ("models: [m/a], quorum: $n", False),
        ("models: [m/a], temperature: $n", False),
        ("models: [m/a], prompt: $s", False),
        ("models: [m/a], when: {params.n: {above: 0}}", False),
        ("models: [m/a], when: {params.m: {above: $n}}", False),
    ],
)
def test_shape_follows_from_the_place(option: str, shape: bool) -> None:
    """semantics 6: under `models, members, samples, repeat, spread, key` a shape param, anything else a value param"""
    top = (
        "params: {p: {type: models, default: [m/a]}, s: {type: string, default: a}, n: {type: integer, "
        "default: 1}, m: {type: integer, default: 1}}"
    )
    params = load(graph(f"g: {{kind: layer, {option}}}, final: {{kind: fallback, inputs: [g]}}", top=top)).params
    assert any(p.shape for p in params.values()) is shape


def test_members_may_be_shape_parameters() -> None:
    top = "params: {s: {type: string, default: a}}"
    text = graph(
        "a: {kind: proposer, model: m/a}, g: {kind: layer, members: [$s]}, final: {kind: fallback, inputs: [g]}",
        top=top,
    )
    assert load(text).params["s"].shape


@pytest.mark.parametrize("option", ["kind: $s", "inputs: [$s]", "after: [$s]", "mode: $s"])
def test_what_makes_the_graph_takes_none(option: str) -> None:
    """semantics 6: `kind, inputs, after, mode, output` take none"""
    start = "" if option.startswith("kind") else "kind: judge, model: m/m, "
    text = graph(
        f"p: {{kind: proposer, model: m/p}}, final: {{{start}{option}}}", top="params: {s: {type: string, default: p}}"
    )
    assert "FG208" in codes(text)
    assert codes(graph("a: {kind: proposer, model: m/m}", output="$s", top="params: {s: {type: string, default: a}}"))


def test_undeclared_parameter_is_an_error() -> None:
    found = read(node("temperature: $hat", "hot: {type: number, default: 1}")).diagnostics[0]
    assert (found.code, found.hint) == ("FG203", "did you mean hot?")
    assert warnings(node("temperature: $hat", "hot: {type: number, default: 1}")) == ["FG307"]


def test_unused_parameter_warns() -> None:
    """design 2: warning: unused param"""
    assert warnings(node("temperature: 1", "a: {type: number, default: 1}")) == ["FG206", "FG307"]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("{type: integer, default: 3, maximum: 2}", ["FG210 3:38"]),
        ("{type: string, default: 3}", ["FG210 3:37"]),
        ("{type: models, default: [m/a, {model: m/b, key: k}]}", []),
        ("{type: models, default: []}", ["FG210 3:37"]),
        ("{type: models, default: m/a}", ["FG210 3:37"]),
        ("{type: number}", ["FG112 3:10"]),
        ("{default: 3}", ["FG112 3:10"]),
        ("{type: text, default: 3}", ["FG114 3:20"]),
        ("{type: string, default: a, pattern: '('}", ["FG114 3:13"]),
        ("{type: string, default: a, format: email}", ["FG111 3:40"]),
        ("{type: array, default: [1], items: {type: string}}", ["FG210 3:37"]),
        ("{type: array, default: [a], items: {type: 7}}", ["FG114 3:13"]),
        ("3", ["FG113 3:13"]),
    ],
)
def test_declarations_are_checked(declared: str, expected: list[str]) -> None:
    text = node("temperature: 1", f"p: {declared}")
    assert list(errors(text)) == expected


@pytest.mark.parametrize(
    ("option", "declared", "expected"),
    [
        ("temperature: $p", "{type: number, default: 9}", ["FG210"]),
        ("temperature: $p", "{type: string, default: warm}", ["FG210"]),
        ("model: $p", "{type: string, default: 'no slug'}", ["FG210"]),
        ("max_tokens: $p", "{type: integer, default: 5}", []),
        ("stop_sequences: $p", "{type: array, default: [x]}", []),
        ("timeout: {total_s: $p}", "{type: number, default: -1}", ["FG210"]),
    ],
)
def test_default_must_fit_where_it_is_used(option: str, declared: str, expected: list[str]) -> None:
    kind = "proposer" if option.startswith("model") else "proposer, model: m/m"
    assert codes(node(option, f"p: {declared}", kind=kind)) == expected


def test_limits_seed_and_defaults_take_parameters() -> None:
    top = (
        "params: {d: {type: number, default: 50}, s: {type: integer, default: 3}, t: {type: number, default:"
        " 1}}\nlimits: {deadline_s: $d}\nseed: $s\ndefaults: {temperature: $t}"
    )
    pipeline = load(graph("final: {kind: proposer, model: m/m}", top=top))
    assert (pipeline.limits, pipeline.seed) == ({"deadline_s": Param("d")}, Param("s"))
    assert pipeline.nodes[0].options["temperature"] == Param("t")
    assert codes(graph("final: {kind: proposer, model: m/m}", top=top.replace("default: 50", "default: -1"))) == [
        "FG210"
    ]


def test_fill_replaces_known_parameters() -> None:
    value = {"a": [Param("x"), Param("y")], "b": {"c": Param("x")}, "d": "x"}
    assert fill(value, {"x": 1}) == {"a": [1, Param("y")], "b": {"c": 1}, "d": "x"}


def test_models_are_a_list_of_slugs() -> None:
    """semantics 6: type `models` (slugs; only the file may use long entries)"""
    assert json_schema({"type": "models", "maxItems": 3})["type"] == "array"
    assert json_schema({"type": "models"})["items"] != json_schema({"type": "models"}, long=True)["items"]
    assert json_schema({"type": "string"}) == {"type": "string"}
