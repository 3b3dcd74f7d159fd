"""Section 3: what streams of a refine, and which text it ends with."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.events import TextDelta
from fusion_graph.providers.sim import Reply
from tests.engine.stage import Stage, critique, start
from tests.semantics.test_streaming import BROKEN, CUT

REFINE = "p: {kind: proposer, model: m/p}\nr: {kind: refine, model: m/r, inputs: [p]%s}\n"


async def test_last_rewrite_streams() -> None:
    # semantics 3, table: refine: first content of a rewrite that no further critique can follow (last round)
    gate = asyncio.Event()
    stage = Stage({"m/p": "parent", "m/r": [critique("weak"), ("better ", gate, "text")]})
    run = start(stage, REFINE % "", stream=True)
    await stage.until(lambda stage: stage.streamed == "better ")
    gate.set()
    assert (await run).text == stage.streamed == "better text"


async def test_earlier_rewrite_does_not_stream() -> None:
    # semantics 3, table: refine: only the last round's rewrite
    gate = asyncio.Event()
    stage = Stage({"m/p": "parent", "m/r": [critique("weak"), "second text", (gate, critique("still")), "third text"]})
    run = start(stage, REFINE % ", rounds: 2", stream=True)
    await stage.sim.called("m/r", 3)
    assert stage.heard(TextDelta) == []
    gate.set()
    assert (await run).text == stage.streamed == "third text"


async def test_accepted_parent_is_sent_whole() -> None:
    # semantics 3, table: refine: critique accepts: parent sent whole
    stage = Stage({"m/p": "parent text", "m/r": critique()})
    result = await stage.run(REFINE % "", stream=True)
    assert result.text == "parent text"
    assert (stage.streamed, stage.whole) == ("", ["parent text"])


@pytest.mark.parametrize("rewrite", [BROKEN, "  \n", ("", CUT)], ids=["failed", "blank", "cut before content"])
async def test_failed_rewrite_leaves_the_parent(rewrite: object) -> None:
    # semantics 3, table: refine: a blank or failed rewrite before content: parent
    stage = Stage({"m/p": "parent text", "m/r": [critique("weak"), rewrite]})  # type: ignore[list-item]
    result = await stage.run(REFINE % ", retry: {attempts: 1}", stream=True)
    assert result.text == "parent text"
    assert stage.whole == ["parent text"]
    assert result.state == "degraded"


async def test_rewrite_that_breaks_off_is_an_error() -> None:
    # semantics 3: it turns a failure after the first token into an error
    stage = Stage({"m/p": "parent text", "m/r": [critique("weak"), ("better ", CUT)]})
    result = await stage.run(REFINE % "", stream=True)
    assert result.state == "failed"
    assert (stage.streamed, stage.whole) == ("better ", [])


KEEP = ", keep_best: true, rounds: 2"


def graded(parent: int, second: int, third: int) -> list[Reply]:
    """Two rounds, and what the critic thinks of each text."""
    critiques = [critique("weak", grade=grade) for grade in (parent, second, third)]
    return [critiques[0], "second", critiques[1], "third", critiques[2]]


async def test_keep_best_is_held() -> None:
    # semantics 3, table: refine `keep_best`: held
    stage = Stage({"m/p": "parent", "m/r": graded(3, 8, 5)})
    result = await stage.run(REFINE % KEEP, stream=True)
    assert (stage.streamed, stage.whole) == ("", ["second"])
    assert result.text == "second"


async def test_keep_best_makes_one_extra_critique() -> None:
    # semantics 3, table: one extra critique of the last text: at most 2r+1 calls, highest score wins
    stage = Stage({"m/p": "parent", "m/r": graded(3, 5, 9)})
    result = await stage.run(REFINE % KEEP)
    assert result.text == "third"
    assert len(stage.sent("m/r")) == 5


async def test_keep_best_ties_go_to_the_earlier() -> None:
    # semantics 3, table: tie = earlier
    result = await Stage({"m/p": "parent", "m/r": graded(6, 6, 6)}).run(REFINE % KEEP)
    assert result.text == "parent"
