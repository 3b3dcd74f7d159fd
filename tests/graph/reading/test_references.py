"""Names of nodes, and what they are taken for."""

from __future__ import annotations

import pytest

from tests.graph.written import SAFE, codes, errors, expand, graph, load, read

P = "p: {kind: layer, models: [m/a, m/b], repeat: 2, samples: 2}"


@pytest.mark.parametrize("name", ["p", "p/a", "p/a/1", "p/l1", "p/l1/b", "p/l1/b/2"])
def test_every_expanded_node_can_be_named(name: str) -> None:
    assert (
        codes(
            graph(
                f"{P}, final: {{kind: fallback, inputs: [{name}, p]}}"
                if name != "p"
                else f"{P}, final: {{kind: fallback, inputs: [p]}}"
            )
        )
        == []
    )


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [
        ("q", "FG201", "did you mean p?"),
        ("p/c", "FG202", "known: a, b, l1"),
        ("final/x", "FG202", ""),
        ("p/l3", "FG202", "known: a, b, l1"),
    ],
)
def test_unknown_names_are_reported(name: str, code: str, hint: str) -> None:
    found = [
        d
        for d in read(graph(f"{P}, final: {{kind: fallback, inputs: [p, {name}]}}")).diagnostics
        if d.severity == "error"
    ]
    assert found[0].code == code
    assert hint in found[0].hint or hint == "did you mean p?"


@pytest.mark.parametrize("bad", ["P", "p?/a", "a b", "${a}", "p//a", "?", "''"])
def test_references_have_one_spelling(bad: str) -> None:
    assert codes(graph(f'{P}, final: {{kind: fallback, inputs: [p, "{bad}"]}}'.replace("\"''\"", "''"))) == ["FG114"]


def test_optional_mark_is_for_inputs_only() -> None:
    assert codes(graph(f"{P}, final: {{kind: fallback, inputs: [p], after: [p?]}}")) == ["FG114"]


def test_same_node_twice_is_an_error() -> None:
    assert errors(graph(f"{P}, final: {{kind: fallback, inputs: [p, p?]}}")) == ["FG207 4:106"]
    assert codes(
        graph(
            "a: {kind: proposer, model: m/m}, q: {kind: layer, members: [a, a]}, final: {kind: fallback, inputs: [q]}"
        )
    ) == ["FG207"]


@pytest.mark.parametrize("models", ["[{model: m/a, key: k}, {model: m/b, key: k}]", "[{model: m/a, key: l1}]"])
def test_ids_of_members_are_distinct(models: str) -> None:
    assert codes(graph(f"panel: {{kind: layer, models: {models}, repeat: 2}}, {SAFE}")) == ["FG209"]


def test_too_many_nodes_are_refused_at_once() -> None:
    """semantics 6: the product of multipliers is checked before expanding"""
    text = graph(
        (
            "panel: {kind: layer, models: [m/a], repeat: 16, samples: 1000}, more: {kind: layer, models: "
            "[m/a, m/b], repeat: 16, samples: 1000, inputs: [panel]}, answer: {kind: synth, model: m/m, "
            "inputs: [more]}"
        ),
        output="answer",
    )
    assert codes(text) == ["FG504"]


def test_group_of_groups_is_a_group() -> None:
    text = graph(
        "a: {kind: layer, models: [m/a]}, b: {kind: layer, models: [m/b]}, all: {kind: layer, members: "
        "[a, b/b]}, final: {kind: fallback, inputs: [all]}"
    )
    assert [edge.node for edge in expand(text)["all"].inputs] == ["a", "b/b"]


def test_output_may_be_a_member() -> None:
    assert load(graph("p: {kind: layer, models: [m/kimi-2.6]}", output="p/kimi-2.6")).output == "p/kimi-2-6"
