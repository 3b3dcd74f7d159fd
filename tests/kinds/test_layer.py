"""layer: its options, its findings, its wait."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.contracts import WaitGroup
from fusion_graph.graph.structure import problems
from fusion_graph.kinds.layer import KIND
from fusion_graph.outputs import Drafts
from fusion_graph.pipeline import NodeId, NodeSpec
from tests.kinds.scripted import Scripted, drafts, inputs, make_node, run


def found(**options: Any) -> list[str]:
    return [code for code, _, _ in KIND.check(NodeSpec(id=NodeId("panel"), kind="layer", options=options), {})]


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ({"models": ["a/x"]}, []),
        ({"members": ["a"]}, []),
        ({}, ["FG305"]),
        ({"models": ["a/x"], "members": ["a"]}, ["FG305"]),
        ({"members": ["a"], "repeat": 2, "samples": 2, "spread": 0.1}, ["FG116"] * 3),
    ],
)
def test_models_or_members(options: dict[str, Any], codes: list[str]) -> None:
    """semantics 1: a layer has exactly one of `models` and `members`."""
    assert found(**options) == codes


def test_join_waits_as_told() -> None:
    assert KIND.wait(KIND.parse({"quorum": 2, "grace_s": 8})) == WaitGroup(quorum=2, grace_s=8)
    assert KIND.wait(KIND.parse({"quorum": "all"})) == WaitGroup(quorum=0)
    assert KIND.wait(KIND.parse({})) == WaitGroup()


async def test_it_gives_drafts_without_a_call() -> None:
    ctx = Scripted(make_node("layer"), inputs(panel=drafts("a", "b")))
    assert await run(ctx) == drafts("a", "b")
    assert isinstance(await run(ctx), Drafts)
    assert KIND.calls(ctx.node, 9) == (0, 0)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("quorum", [1, 3, "all"], [0, "most", 1.5]),
        ("grace_s", [0, 8.5], [-1, "8"]),
        ("repeat", [1, 3], [0, 99]),
        ("samples", [1, 5], [0]),
        ("models", [["a/x"], [{"model": "a/x", "key": "k"}]], [[], [{"key": "k"}], [7]]),
        ("members", [["a"]], [[], [1]]),
    ],
)
def test_schema_says_what_goes(name: str, good: list[Any], bad: list[Any]) -> None:
    assert [problems(KIND.schema[name], value) for value in good] == [[] for _ in good]
    assert all(problems(KIND.schema[name], value) for value in bad)
