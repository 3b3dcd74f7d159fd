"""What a caller may change (semantics 6, wire 1.9)."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.errors import PipelineError, UsageError
from fusion_graph.graph.expand import expand
from fusion_graph.graph.overrides import Overrides, lower_limits, model_params, read_block, read_value, resolve_params
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import Limits, ParamSpec
from tests.graph.written import Steps, graph, load

PANEL = load("name: fusion\npanel: [m/a, {model: m/b, temperature: 0.1}]\njudge: j/j\n")
TOP = (
    "params: {t: {type: number, default: 0.5}, m: {type: string, default: a/b}, n: {type: integer, default: "
    "2, maximum: 4}}\nlimits: {deadline_s: $t}"
)
GRAPH = load(
    graph(
        (
            "p: {kind: sample, model: m/m, samples: $n, temperature: $t}, final: {kind: synth, model: $m, "
            "alternates: [$m], inputs: [p]}"
        ),
        top=TOP,
    )
)


def refused(**given: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        resolve_params(GRAPH, given, KINDS)
    return caught.value


def test_defaults_hold_where_nothing_is_given() -> None:
    assert resolve_params(GRAPH, {"t": 1}, KINDS) == {"t": 1, "m": "a/b", "n": 2}
    assert resolve_params(GRAPH, {"t": 0.5}, KINDS) == resolve_params(GRAPH, {}, KINDS)


def test_only_declared_parameters_are_taken() -> None:
    """semantics 6: a key the pipeline does not declare is 400"""
    error = refused(temp=1)
    assert error.http_status == 400
    assert "known: t, m, n" in error.hint
    with pytest.raises(UsageError):
        resolve_params(load(graph("final: {kind: proposer, model: m/m}")), {"x": 1}, KINDS)


@pytest.mark.parametrize(("name", "value"), [("t", "hot"), ("n", 5), ("n", 1.5), ("m", 3), ("n", True), ("m", None)])
def test_values_fit_their_declaration(name: str, value: Any) -> None:
    assert name in str(refused(**{name: value}))


@pytest.mark.parametrize(
    ("name", "value", "where"), [("t", 9, "'p'"), ("m", "no slug", "'final'"), ("t", -1, "'p'"), ("n", 0, "'p'")]
)
def test_values_fit_where_they_are_used(name: str, value: Any, where: str) -> None:
    assert where in str(refused(**{name: value}))


def test_values_fit_the_limits() -> None:
    pipeline = load(
        graph(
            "final: {kind: proposer, model: m/m}",
            top="params: {d: {type: number, default: 5}}\nlimits: {deadline_s: $d}",
        )
    )
    with pytest.raises(UsageError, match="limits"):
        resolve_params(pipeline, {"d": 0}, KINDS)


@pytest.mark.parametrize("seed", [2.5, -1])
def test_values_fit_the_seed(seed: float) -> None:
    pipeline = load(
        graph("final: {kind: proposer, model: m/m}", top="params: {s: {type: number, default: 3}}\nseed: $s")
    )
    assert resolve_params(pipeline, {"s": 4}, KINDS) == {"s": 4}
    with pytest.raises(UsageError, match="seed, with these parameters"):
        resolve_params(pipeline, {"s": seed}, KINDS)


def test_callers_name_models_by_slug_alone() -> None:
    """semantics 6: type `models` (slugs; only the file may use long entries)"""
    values = resolve_params(PANEL, {"panel": ["m/c", "m/c"]}, KINDS)
    assert [n.id for n in expand(PANEL, values)][:3] == ["panel/c", "panel/c-2", "panel"]
    for bad in ([{"model": "m/c"}], [], "m/c", ["m c"], ["https://x/y"], ["../x"]):
        with pytest.raises(UsageError):
            resolve_params(PANEL, {"panel": bad}, KINDS)


def test_models_may_be_limited_to_a_list() -> None:
    """semantics 6: `allow_models`: otherwise only models the configuration lists"""
    allowed = {"m/c", "j/k"}.__contains__
    assert resolve_params(PANEL, {"panel": ["m/c"], "judge": "j/k"}, KINDS, allow_model=allowed)["judge"] == "j/k"
    for given in ({"panel": ["m/c", "m/d"]}, {"judge": "m/a"}, {"synthesizer": "x/y"}):
        with pytest.raises(UsageError, match="not allowed"):
            resolve_params(PANEL, given, KINDS, allow_model=allowed)
    assert resolve_params(PANEL, {"layers": 2}, KINDS, allow_model=allowed)["panel"][0] == "m/a"


def test_parameters_that_name_models_are_known() -> None:
    assert model_params(PANEL) == {"panel", "judge", "synthesizer"}
    assert model_params(GRAPH) == {"m"}
    top = "params: {m: {type: string, default: a/b}}"
    text = graph("final: {kind: fallback, inputs: [p]}, p: {kind: layer, models: [{model: $m}]}", top=top)
    assert model_params(load(text)) == {"m"}


def test_short_form_is_params() -> None:
    """semantics 6: `fusion.X` on the wire is short for `fusion.params.X`"""
    block = {"layers": 2, "params": {"refine": True}, "max_cost_usd": 0.5, "deadline_s": 9}
    assert read_block(PANEL, block) == Overrides({"refine": True, "layers": 2}, {"max_cost_usd": 0.5, "deadline_s": 9})


@pytest.mark.parametrize(
    "block",
    [
        {"base_url": "https://x"},
        {"layer": 2},
        {"panel": ["m/a@sim"]},
        {"judge": "m/a@second"},
        {"params": [1]},
        {"nodes": {}},
        {"seed": 1},
    ],
)
def test_nothing_else_is_taken_from_a_request(block: dict[str, Any]) -> None:
    """wire 1.9: an unknown key is 400; hosts, keys, prompts, nodes and backends never"""
    with pytest.raises(UsageError):
        read_block(PANEL, block)


def test_slug_with_a_date_is_no_backend() -> None:
    assert read_block(PANEL, {"judge": "claude@20250514"}).params == {"judge": "claude@20250514"}


def test_huge_multipliers_are_refused_at_once() -> None:
    """wire 5.13: `n: 10**9` is refused in under 50 ms"""
    with Steps(1_000), pytest.raises(UsageError):
        resolve_params(PANEL, {"samples": 10**9}, KINDS)
    values = resolve_params(PANEL, {"samples": 100, "layers": 16, "panel": ["m/a"] * 64}, KINDS)
    with Steps(1_000), pytest.raises(PipelineError, match="FG504"):
        expand(PANEL, values)


LIMITS = Limits(deadline_s=100, reserve_s=20, budget_usd=1.0, max_calls=10, max_concurrency=4)


def test_limits_are_lowered_never_raised() -> None:
    """design 6: limits can be lowered, never raised"""
    lower = lower_limits(LIMITS, {"max_cost_usd": 0.5, "max_calls": 10, "max_concurrency": 1})
    assert (lower.budget_usd, lower.max_calls, lower.max_concurrency) == (0.5, 10, 1)
    for given in (
        {"budget_usd": 1.01},
        {"deadline_s": 101},
        {"max_calls": 11},
        {"max_concurrency": 5},
        {"max_concurrency": 0},
    ):
        with pytest.raises(UsageError, match="lowered"):
            lower_limits(LIMITS, given)


@pytest.mark.parametrize(
    "given",
    [
        {"budget": 1},
        {"budget_usd": -1},
        {"deadline_s": "soon"},
        {"max_calls": 1.5},
        {"reserve_s": 1},
        {"deadline_s": float("nan")},
    ],
)
def test_limits_are_known_numbers(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        lower_limits(LIMITS, given)


def test_limits_may_be_set_where_there_were_none() -> None:
    assert lower_limits(Limits(), {"deadline_s": 30, "max_tokens": 5}) == Limits(deadline_s=30, max_tokens=5)


def test_reserve_keeps_its_share() -> None:
    assert lower_limits(LIMITS, {"deadline_s": 50}).reserve_s == 10
    assert lower_limits(Limits(reserve_s=60), {"deadline_s": 40}).reserve_s == 10


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "string"}, "010", "010"),
        ({"type": "integer"}, "3", 3),
        ({"type": "number"}, "0.5", 0.5),
        ({"type": "boolean"}, "true", True),
        ({"type": "models"}, "m/a, m/b", ["m/a", "m/b"]),
        ({"type": "models"}, '["m/a"]', ["m/a"]),
        ({"type": "array"}, "[1, 2]", [1, 2]),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
        ({"type": "integer"}, "many", "many"),
    ],
)
def test_command_line_values_have_types(schema: dict[str, Any], text: str, value: Any) -> None:
    assert read_value(ParamSpec(name="p", schema=schema), text) == value


@pytest.mark.parametrize(
    ("schema", "text"), [({"type": "integer"}, "010"), ({"type": "array"}, "[1,"), ({"type": "number"}, ".nan")]
)
def test_unreadable_values_are_refused(schema: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_value(ParamSpec(name="p", schema=schema), text)
    assert caught.value.hint
