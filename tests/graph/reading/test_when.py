"""The grammar of `when`."""

from __future__ import annotations

import pytest

from fusion_graph.pipeline import AnyOf, Comparison, FieldRef, NodeId, Param
from tests.graph.written import errors, graph, load

TOP = "params: {n: {type: integer, default: 1}, s: {type: string, default: a}}"


def text(when: str) -> str:
    nodes = (
        f"p: {{kind: layer, models: [m/a.b, m/c]}}, v: {{kind: judge, model: j/j, inputs: [p]}}, final: "
        f"{{kind: synth, model: m/m, inputs: [p, v?], when: {when}}}"
    )
    return graph(nodes, top=TOP)


def condition_of(when: str) -> tuple[Comparison | AnyOf, ...]:
    condition = load(text(when)).nodes[-1].when
    assert condition is not None
    return condition.tests


def test_fields_and_parameters_are_compared() -> None:
    found = condition_of("{p.count: {above: 1, at_most: 3}, params.n: {equals: 1}, v.blind_spots: {below: $n}}")
    assert found == (
        Comparison(FieldRef(NodeId("p"), "count"), "above", 1),
        Comparison(FieldRef(NodeId("p"), "count"), "at_most", 3),
        Comparison(Param("n"), "equals", 1),
        Comparison(FieldRef(NodeId("v"), "blind_spots"), "below", Param("n")),
    )


def test_field_splits_at_the_last_dot() -> None:
    """semantics 1: `node.field` splits at the last dot"""
    assert condition_of("{p/a.b.chars: {above: 1}}") == (Comparison(FieldRef(NodeId("p/a-b"), "chars"), "above", 1),)


def test_any_is_or() -> None:
    """design 2: several entries = and, `any: [...]` = or"""
    (found,) = condition_of("{any: [{p.count: {above: 1}}, {params.s: {not_equals: b}, params.n: {at_least: 2}}]}")
    assert isinstance(found, AnyOf)
    assert [len(c.tests) for c in found.conditions] == [1, 2]


@pytest.mark.parametrize(
    ("when", "code"),
    [
        ("{}", "FG117"),
        ("[p]", "FG117"),
        ("p.count > 1", "FG117"),
        ("{p: {above: 1}}", "FG117"),
        ("{p.count: 1}", "FG117"),
        ("{p.count: {}}", "FG117"),
        ("{p.count: {over: 1}}", "FG117"),
        ("{p.count: {above: many}}", "FG117"),
        ("{p.count: {above: true}}", "FG117"),
        ("{p.count: {above: $s}}", "FG117"),
        ("{p.count: {equals: [1]}}", "FG117"),
        ("{any: {p.count: {above: 1}}}", "FG117"),
        ("{any: []}", "FG117"),
        ("{any: [3]}", "FG117"),
        ("{params.x: {above: 1}}", "FG203"),
        ("{p.count: {above: $x}}", "FG203"),
        ("{q.count: {above: 1}}", "FG201"),
        ("{p.cuont: {above: 1}}", "FG205"),
    ],
)
def test_anything_else_is_refused(when: str, code: str) -> None:
    """design 2: no expressions, no eval, no template language"""
    (found,) = errors(text(when))
    assert found.startswith(f"{code} 4:")
