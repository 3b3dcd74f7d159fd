"""Tools are for proposers."""

from __future__ import annotations

import pytest

from tests.graph.written import graph, read


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ("final: {kind: proposer, model: m/m, tools: [web_search]}", []),
        ("p: {kind: layer, models: [m/m, n/n], tools: [bash]}, final: {kind: fallback, inputs: [p]}", []),
        ("p: {kind: proposer, model: m/m}, final: {kind: synth, model: m/m, inputs: [p], tools: [bash]}", ["FG118"]),
    ],
)
def test_tools_on_other_kinds_have_no_effect(nodes: str, expected: list[str]) -> None:
    found = read(graph(nodes)).diagnostics
    assert [d.code for d in found if d.code == "FG118"] == expected
