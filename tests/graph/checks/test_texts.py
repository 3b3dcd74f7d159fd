"""Regular expressions and schemas must compile."""

from __future__ import annotations

import pytest

from tests.graph.written import codes, errors, graph


def proposer(options: str, *, top: str = "") -> str:
    return graph(f"final: {{kind: proposer, model: m/m, {options}}}", top=top)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("usable: {match: '['}", ["FG114"]),
        ("usable: {match: '^ok$'}", []),
        ("extract: {regex: '(a'}", ["FG114"]),
        ("extract: {regex: 'Answer: (.+)'}", []),
        ("usable: {schema: {type: objekt}}", ["FG114"]),
        ("usable: {schema: {$ref: 'https://example.com/x'}}", ["FG114"]),
        ("usable: {schema: {$ref: '#/$defs/a', $defs: {a: {}}}}", []),
        ("usable: {schema: {properties: {$x: {const: $y}}}}", []),
    ],
)
def test_programs_must_compile(options: str, expected: list[str]) -> None:
    assert codes(proposer(options)) == expected


@pytest.mark.parametrize("options", ["usable: {match: $m}", "extract: {regex: $m}"])
def test_no_caller_reaches_a_compiler(options: str) -> None:
    """wire 5.18: no request value reaches a regex compiler"""
    assert codes(proposer(options, top="params: {m: {type: string, default: x}}")) == ["FG208"]


def test_members_and_defaults_are_checked_too() -> None:
    text = graph(
        "p: {kind: layer, models: [{model: m/a, usable: {match: '('}}]}, final: {kind: fallback, inputs: [p]}",
        top="defaults: {extract: {regex: '('}}",
    )
    assert errors(text) == ["FG114 3:29", "FG114 4:64"]
