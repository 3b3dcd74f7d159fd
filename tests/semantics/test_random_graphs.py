"""Section 1, determinism, on whole runs: random graphs, random replies, random order of arrival."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_graph.engine.report import RunResult
from fusion_graph.errors import Permanent
from fusion_graph.events import NodeFinished, NodeSkipped, NodeStarted
from fusion_graph.graph.bound import Bound
from fusion_graph.messages import Call
from fusion_graph.outputs import Value
from tests.engine.stage import Stage, analysis, shown
from tests.graph.growing import Grower


class Cast:
    """Models whose replies depend on the call alone, and whose haste on the order alone."""

    def __init__(self, seed: int, broken: float, order: int) -> None:
        self._seed = seed
        self._broken = broken
        self._haste = random.Random(order)

    async def __call__(self, call: Call) -> str | Permanent:
        for _ in range(self._haste.randrange(6)):
            await asyncio.sleep(0)
        dice = random.Random(f"{self._seed}/{call.model}/{call.draw}")
        if dice.random() < self._broken:
            return Permanent("bad_request", "broken")
        form = call.sampling.response_format
        if form is None:
            return dice.choice(("so 7", "thus 8", "who knows"))
        if form["json_schema"]["name"] == "analysis":
            return analysis(blind_spots=["x"] * dice.randrange(4))
        return json.dumps({"scores": [{"label": label, **_grades(text)} for label, text in shown(call).items()]})


def _grades(text: str) -> dict[str, object]:
    grade = hashlib.sha256(text.encode()).digest()[0] % 11
    return {"reason": "", "accuracy": grade, "completeness": grade, "clarity": grade}


async def play(bound: Bound, cast: Cast) -> tuple[Stage, RunResult]:
    stage = Stage({"*": cast})
    return stage, await stage.run(bound, seed=1)


def ends(stage: Stage) -> dict[str, tuple[str, Value | None]]:
    """How the nodes ended that were wanted to their end."""
    found: dict[str, tuple[str, Value | None]] = {}
    for event in stage.events:
        if isinstance(event, NodeSkipped) and event.reason != "not_needed":
            found[event.node] = (event.reason, None)
        elif isinstance(event, NodeFinished) and event.state != "cancelled":
            found[event.node] = (event.state, event.value)
    return found


@given(
    seed=st.integers(0, 2**32),
    size=st.integers(1, 12),
    broken=st.sampled_from((0.0, 0.2, 0.5)),
    orders=st.lists(st.integers(0, 2**32), min_size=2, max_size=3, unique=True),
)
@settings(max_examples=60, deadline=None)
def test_order_of_arrival_changes_nothing(seed: int, size: int, broken: float, orders: list[int]) -> None:
    # semantics 1: same seed and replies give the same answer wherever the file asks no clock
    bound = Grower(random.Random(seed), clocks=False).grow(size)

    async def all_orders() -> list[tuple[Stage, RunResult]]:
        return [await play(bound, Cast(seed, broken, order)) for order in orders]

    (stage, first), *others = asyncio.run(all_orders())
    for other, result in others:
        assert result.answer == first.answer
        mine, theirs = ends(stage), ends(other)
        assert {n: mine[n] for n in mine.keys() & theirs.keys()} == {n: theirs[n] for n in mine.keys() & theirs.keys()}


@given(seed=st.integers(0, 2**32), size=st.integers(1, 14), broken=st.sampled_from((0.0, 0.3, 0.7)))
@settings(max_examples=60, deadline=None)
def test_every_node_ends_exactly_once(seed: int, size: int, broken: float) -> None:
    # design 3: every run ends; no node starts twice; each ends once, and the stage finds nothing left behind
    dice = random.Random(seed)
    bound = Grower(dice, clocks=True).grow(size)
    stage, result = asyncio.run(play(bound, Cast(seed, broken, seed)))
    started = [event.node for event in stage.heard(NodeStarted)]
    ended = [e.node for e in stage.events if isinstance(e, NodeFinished | NodeSkipped)]
    assert len(started) == len(set(started))
    assert sorted(ended) == sorted(node.id for node in bound.nodes)
    assert (result.answer is None) == (result.error is not None)
