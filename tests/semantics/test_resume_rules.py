"""Section 7 meets the others: what a run does differently stays so, and is told again, when it is gone on with."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from fusion_graph.engine.report import RunResult
from fusion_graph.errors import Permanent
from fusion_graph.providers.sim import Script
from fusion_graph.store.cache import Cache
from tests.engine.stage import Stage, entries
from tests.store.keeping import gone_on, written

BROKEN = Permanent("bad_request", "no", status=400)
WRITER = "w: {kind: synth, model: m/w, inputs: [p]}\n"
LIMITS = {"deadline_s": 100, "reserve_s": 50}


async def in_two(folder: Path, nodes: str, script: Script, *, wait_s: float = 0, **top: Any) -> tuple[Stage, RunResult]:
    """Cut while the writer writes, and gone on with, when every model would answer. Of the second try the stage."""
    first = Stage({**script, "m/w": (asyncio.Event(),)})
    task = asyncio.create_task(written(first, folder, nodes, **top))
    if wait_s:
        await first.only(*[model for model, said in script.items() if isinstance(said, tuple)])
        await first.skip(wait_s)
    await first.sim.called("m/w")
    task.cancel()
    await asyncio.wait([task])
    second = Stage({"*": "again", "m/w": "answer"})
    return second, await gone_on(second, folder, nodes, **top)


async def test_depth_that_was_handed_on_stays_so(tmp_path: Path) -> None:
    # semantics 5 and 7: a committed join is replayed as it was, also one that handed on the depth before
    nodes = "p: {kind: layer, models: [m/a], repeat: 3}\n" + WRITER
    stage, result = await in_two(tmp_path, nodes, {"m/a": ["one", BROKEN, "three"]})
    assert (stage.asked, result.text) == (["m/w"], "answer")
    (entry,) = result.degraded
    assert (entry.node, entry.action) == ("p/l2/a", "p/l2 handed on p/l1 in an earlier try")


async def test_what_the_reserve_cut_is_told_again(tmp_path: Path) -> None:
    # semantics 1 and 7: what the reserve cut stays cut, and an entry of `degraded`
    nodes = "p: {kind: layer, models: [m/a, m/b]}\n" + WRITER
    stage, result = await in_two(tmp_path, nodes, {"m/a": "alpha", "m/b": (asyncio.Event(),)}, wait_s=51, limits=LIMITS)
    assert stage.asked == ["m/w"]
    assert entries(result) == [("p/b", "deadline")]


async def test_root_cause_behind_a_join_is_told_again(tmp_path: Path) -> None:
    # semantics 1: one entry per root cause, not `upstream:`
    nodes = (
        "x: {kind: proposer, model: m/x}\na: {kind: proposer, model: m/a, inputs: [x]}\n"
        "b: {kind: proposer, model: m/b, inputs: [x]}\nc: {kind: proposer, model: m/c}\n"
        "p: {kind: layer, members: [a, b, c]}\n"
    )
    stage, result = await in_two(tmp_path, nodes + WRITER, {"m/x": BROKEN, "*": "text"})
    assert stage.asked == ["m/w"]
    assert entries(result) == [("x", "bad_request")]


async def test_alternate_that_answered_is_told_again(tmp_path: Path) -> None:
    # semantics 1: degraded: an alternate that answered
    nodes = "p: {kind: proposer, model: m/a, alternates: [m/b]}\n" + WRITER
    stage, result = await in_two(tmp_path, nodes, {"m/a": BROKEN, "m/b": "beta"})
    assert stage.asked == ["m/w"]
    (entry,) = result.degraded
    assert (entry.node, entry.action) == ("p", "alternate m/b answered")


async def test_cached_reply_of_an_alternate_is_not_the_models(tmp_path: Path) -> None:
    # semantics 1: after retries come alternates; design, honesty: nothing degrades silently
    cache, stage = Cache(tmp_path, everywhere=True), Stage({"m/a": "alpha", "m/b": "beta"})
    await written(stage, tmp_path, "p: {kind: proposer, model: m/b}", cache=cache)
    nodes = "p: {kind: proposer, model: m/a, alternates: [m/b]}"
    result = await written(stage, tmp_path, nodes, run="1" * 16, cache=cache)
    cache.close()
    assert (result.text, result.state) == ("alpha", "ok")
