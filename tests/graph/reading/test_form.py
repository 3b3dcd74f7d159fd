"""The graph form at its top."""

from __future__ import annotations

import pytest

from fusion_graph.graph.reading.form import canonical, digest
from tests.graph.written import codes, errors, graph, load

NODE = "final: {kind: proposer, model: m/m}"


@pytest.mark.parametrize("version", ["", "version: 2\n", "version: '1'\n", "version: 1.0\n", "version: true\n"])
def test_version_one_is_required(version: str) -> None:
    text = graph(NODE).replace("version: 1\n", version)
    assert codes(text) == ([] if version == "version: 1.0\n" else ["FG114"] if version else ["FG112"])


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        ("limit: {}", ["FG111 3:1"]),
        ("limits: {deadline: 3}", ["FG111 3:10"]),
        ("limits: {budget_usd: 0}", ["FG114 3:22"]),
        ("limits: []", ["FG113 3:9"]),
        ("seed: x", ["FG113 3:7"]),
        ("on_tool_turn: never", ["FG114 3:15"]),
        ("defaults: {model: m/m}", ["FG111 3:12"]),
        ("defaults: {quorum: 2}", ["FG111 3:12"]),
        ("params: {A: {type: string, default: x}}", ["FG114 3:10"]),
        ("x-any: {thing: [1]}", []),
    ],
)
def test_top_is_checked_with_places(top: str, expected: list[str]) -> None:
    assert list(errors(graph(NODE, top=top))) == expected


@pytest.mark.parametrize(
    ("nodes", "code"), [("nodes: []", "FG113"), ("nodes: {}", "FG114"), ("nodes: {a: 3}", "FG113"), ("nodes:", "FG113")]
)
def test_nodes_are_a_map_of_maps(nodes: str, code: str) -> None:
    assert codes(f"version: 1\nname: x\n{nodes}\noutput: a\n")[0] == code


def test_params_is_no_id() -> None:
    assert errors(graph("params: {kind: proposer, model: m/m}", output="params")) == ["FG114 4:9"]


def test_tool_turns_are_kept() -> None:
    assert load(graph(NODE, top="on_tool_turn: full")).on_tool_turn == "full"
    assert load(graph(NODE)).on_tool_turn == "writer_only"


def test_digest_counts_order() -> None:
    assert digest(canonical({"a": 1, "b": 2})) != digest(canonical({"b": 2, "a": 1}))
    assert len(digest(canonical({"é": "x"}))) == 64
