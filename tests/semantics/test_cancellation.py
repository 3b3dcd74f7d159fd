"""Section 3 of the design: cancelling a run cancels every call in flight at once, in every phase; no task outlives it.

The stage itself checks after every run that no call is running and no task is left."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from fusion_graph.engine.report import RunResult
from fusion_graph.errors import Transient
from fusion_graph.events import RunFinished
from fusion_graph.messages import Sampling
from fusion_graph.pipeline import Limits
from tests.engine.stage import Nap, Stage, analysis, critique, start
from tests.graph.graphs import HEDGED_TWO

STALL = (1e6,)
GRAPH = """
panel: {kind: layer, models: [m/a, m/b, m/c], quorum: 2, grace_s: 50}
judged: {kind: judge, model: m/j, inputs: [panel]}
answer: {kind: synth, model: m/w, inputs: [panel, 'judged?']}
polish: {kind: refine, model: m/r, inputs: [answer]}
final: {kind: fallback, inputs: [polish, answer, panel]}
"""
TEXTS = {"m/a": "alpha", "m/b": "beta", "m/c": "gamma", "m/j": analysis(), "m/w": "answer", "m/r": critique("weak")}


async def cancel(run: asyncio.Task[RunResult]) -> None:
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


@pytest.mark.parametrize(
    ("phase", "stalled", "times"),
    [
        ("drafting", {"m/a": STALL, "m/b": STALL, "m/c": STALL}, {"m/a": 1, "m/b": 1, "m/c": 1}),
        ("in grace", {"m/b": STALL}, {"m/b": 1}),
        ("judging", {"m/j": STALL}, {"m/j": 1}),
        ("writing", {"m/w": ("be", 1e6)}, {"m/w": 1}),
        ("criticising", {"m/r": STALL}, {"m/r": 1}),
        ("rewriting", {"m/r": [critique("weak"), STALL]}, {"m/r": 2}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("stream", [False, True])
async def test_cancel_in_any_phase(phase: str, stalled: dict[str, object], times: dict[str, int], stream: bool) -> None:
    # design 3: cancelling a run cancels every call in flight at once; no task outlives its run
    stage = Stage({**TEXTS, **stalled})  # type: ignore[dict-item]
    run = start(stage, GRAPH, stream=stream)
    for model, count in times.items():
        await stage.sim.called(model, count)
    running = [call.model for call in stage.sim.running]
    assert set(times) <= set(running), phase
    asked = len(stage.asked)
    await cancel(run)
    assert sorted(call.model for call in stage.sim.cancelled) == sorted(running)
    assert len(stage.asked) == asked
    assert isinstance(stage.events[-1], RunFinished)
    assert stage.events[-1].state == "cancelled"


async def test_cancel_while_waiting_to_retry() -> None:
    nap = Nap()
    stage = Stage({"m/a": Transient("upstream_5xx", status=503)}, sleep=nap)
    run = start(stage, "a: {kind: proposer, model: m/a}")
    await nap.asleep.wait()
    await cancel(run)
    assert len(stage.asked) == 1


async def test_cancel_while_waiting_for_a_slot() -> None:
    stage = Stage({"*": STALL}, backend={"max_concurrency": 1})
    run = start(stage, GRAPH, limits=Limits(max_concurrency=2))
    await stage.sim.until(lambda sim: bool(sim.running))
    await cancel(run)
    lane = stage.fusion.services.lanes[""]
    assert isinstance(lane.cap, asyncio.Semaphore)
    assert not lane.cap.locked()  # the slot came back


async def test_cancel_of_several_calls_of_one_node() -> None:
    """Pairs are compared side by side in one node."""
    stage = Stage({**TEXTS, "m/j": STALL})
    run = start(
        stage,
        "p: {kind: layer, models: [m/a, m/b, m/c]}\n"
        "j: {kind: judge, mode: select, compare: pairs, model: m/j, inputs: [p]}",
    )
    await stage.sim.called("m/j", 3)
    await cancel(run)
    assert len(stage.sim.cancelled) == 3


async def test_cancel_of_n_choices() -> None:
    stage = Stage({"m/w": STALL})
    run = start(stage, "w: {kind: proposer, model: m/w}", n=3)
    await stage.sim.called("m/w", 3)
    await cancel(run)
    assert len(stage.sim.cancelled) == 3


async def test_cancel_of_a_hedge() -> None:
    stage = Stage({"*": STALL})
    run = start(stage, HEDGED_TWO)
    await stage.sim.called("m/1")
    await stage.skip(4)
    await stage.sim.called("m/2")
    await cancel(run)
    assert len(stage.sim.cancelled) == 2


async def test_cancel_of_the_repair() -> None:
    wanted = Sampling(response_format={"type": "json_object"})
    stage = Stage({"m/a": "words", "m/w": [Transient("x"), STALL]})
    run = start(
        stage,
        "p: {kind: layer, models: [m/a]}\nw: {kind: synth, model: m/w, inputs: [p], retry: {attempts: 1}}\n"
        "f: {kind: fallback, inputs: [w, p]}",
        writer=wanted,
    )
    await stage.sim.called("m/w", 2)
    await cancel(run)


async def test_cancel_before_anything_began() -> None:
    stage = Stage({"*": STALL})
    run = start(stage, GRAPH)
    run.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await run
    assert stage.asked == []


async def test_one_cancel_leaves_other_runs_alone() -> None:
    gate = asyncio.Event()
    stage = Stage({"m/a": [STALL, (gate, "alpha")]})
    nodes = "a: {kind: proposer, model: m/a}"
    from fusion_graph.engine.request import ask
    from tests.graph.walk import bound_of

    first = asyncio.create_task(stage.fusion.run(bound_of(nodes), ask("Why?")))
    await stage.sim.called("m/a")
    second = asyncio.create_task(stage.fusion.run(bound_of(nodes), ask("Why?")))
    await stage.sim.called("m/a", 2)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.set()
    assert (await second).text == "alpha"


async def test_cancelled_nodes_swallow_no_later_cancel() -> None:
    """A node that the plan cancelled goes on with the next one in the same task: that one can be cancelled as well."""
    gate = asyncio.Event()
    stage = Stage({"m/1": STALL, "m/2": (gate, "two"), "m/w": STALL})
    run = start(stage, HEDGED_TWO + "w: {kind: synth, model: m/w, inputs: [first]}")
    await stage.sim.called("m/1")
    await stage.skip(4)
    await stage.sim.called("m/2")
    gate.set()
    await stage.sim.called("m/w")
    await cancel(run)


async def test_bug_in_a_listener_ends_the_run() -> None:
    """Only a bug ends a run with an exception; nothing is left running then either."""

    def listener(event: object) -> None:
        if type(event).__name__ == "CallFinished":
            raise ZeroDivisionError

    stage = Stage({"m/a": "alpha", "m/b": STALL})
    with pytest.raises(ZeroDivisionError):
        await stage.run("p: {kind: layer, models: [m/a, m/b]}\nf: {kind: fallback, inputs: [p]}", listener=listener)
