"""sample: its options, its findings, its wait."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.contracts import WaitGroup
from fusion_graph.graph.structure import problems
from fusion_graph.kinds.sample import KIND
from fusion_graph.pipeline import NodeId, NodeSpec
from tests.kinds.scripted import Scripted, drafts, inputs, make_node, run


def found(**options: Any) -> list[tuple[str, str]]:
    spec = NodeSpec(id=NodeId("votes"), kind="sample", options=options)
    return [(code, where) for code, where, _ in KIND.check(spec, {})]


def test_window_defaults_to_agree() -> None:
    """semantics 1: `stop` is tested at window boundaries only (`window` defaults to `agree`)."""
    assert KIND.wait(KIND.parse({"stop": {"agree": 3}})) == WaitGroup(agree=3, window=3)
    assert KIND.wait(KIND.parse({"stop": {"agree": 3}, "window": 4})) == WaitGroup(agree=3, window=4)


def test_without_stop_all_are_drawn_at_once() -> None:
    """semantics 1: a sample with `stop` has one stage per window, everything else one."""
    assert KIND.wait(KIND.parse({"quorum": 2, "grace_s": 1})) == WaitGroup(quorum=2, grace_s=1)


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ({"samples": 5}, []),
        ({"samples": 9, "stop": {"agree": 3}, "extract": "last_number"}, []),
        ({"samples": 9, "stop": {"agree": 3}}, [("FG116", "/stop")]),
        ({"samples": 2, "stop": {"agree": 3}, "extract": "last_number"}, [("FG116", "/stop/agree")]),
        ({"samples": 5, "window": 2}, [("FG116", "/window")]),
    ],
)
def test_stop_goes_with_answers(options: dict[str, Any], codes: list[tuple[str, str]]) -> None:
    """semantics 1: stop only compares answers."""
    assert found(**options) == codes


async def test_it_gives_drafts_without_a_call() -> None:
    ctx = Scripted(make_node("sample"), inputs(one=drafts("votes/1"), two=drafts("votes/2")))
    assert await run(ctx) == drafts("votes/1", "votes/2")
    assert KIND.calls(ctx.node, 9) == (0, 0)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("samples", [1, 9], [0, "3"]),
        ("stop", [{"agree": 2}], [{}, {"agree": 1}, {"agree": 3, "more": 1}, 3]),
        ("window", [1], [0]),
        ("spread", [0.3, {"jitter": 0.3}], [-1, 3]),
    ],
)
def test_schema_says_what_goes(name: str, good: list[Any], bad: list[Any]) -> None:
    assert [problems(KIND.schema[name], value) for value in good] == [[] for _ in good]
    assert all(problems(KIND.schema[name], value) for value in bad)
