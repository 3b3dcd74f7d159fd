"""The tasks of a run: who gets one, and that none is left behind."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.engine.report import RunResult
from fusion_graph.engine.request import ask
from fusion_graph.engine.run import Run
from fusion_graph.engine.scheduler import Scheduler
from fusion_graph.events import Event, NodeFinished, NodeReady, NodeStarted
from fusion_graph.messages import Call
from tests.engine.stage import FAN, Stage, start, told
from tests.graph.walk import bound_of


async def test_last_to_finish_runs_the_next_in_its_task() -> None:
    """A chain of nodes needs one task, whatever its length."""
    tasks: list[asyncio.Task[object] | None] = []

    def reply(_call: Call) -> str:
        tasks.append(asyncio.current_task())
        return "text"

    chain = "\n".join(f"n{i}: {{kind: proposer, model: m/a{f', inputs: [n{i - 1}]' * (i > 0)}}}" for i in range(5))
    await Stage({"m/a": reply}).run(chain)
    assert len(tasks) == 5
    assert len(set(tasks)) == 1


async def test_caller_runs_the_first_node_itself() -> None:
    tasks: dict[str, asyncio.Task[object] | None] = {}

    def reply(call: Call) -> str:
        tasks[call.model] = asyncio.current_task()
        return "text"

    await Stage({"*": reply}).run(FAN)
    own = asyncio.current_task()
    assert [tasks[model] is own for model in ("m/a", "m/b", "m/c")] == [True, True, False]


async def test_bug_elsewhere_ends_what_the_caller_runs() -> None:
    """The caller waits for a model of its own while a node in another task meets a bug."""

    def listener(event: Event) -> None:
        if isinstance(event, NodeFinished) and event.node == "c":
            raise ZeroDivisionError

    stage = Stage({"m/b": (1e6,), "*": "text"})
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(5):
            await stage.run(FAN, listener=listener)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert stage.sim.running == []


async def test_cancel_beside_a_bug_is_a_cancel() -> None:
    runs: list[asyncio.Task[RunResult]] = []

    def listener(event: Event) -> None:
        if isinstance(event, NodeFinished) and event.node == "c":
            runs[0].cancel()
            raise ZeroDivisionError

    stage = Stage({"m/b": (1e6,), "*": "text"})
    runs.append(start(stage, FAN, listener=listener))
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(runs[0], 5)
    assert stage.sim.running == []


async def test_unwanted_node_of_the_caller_is_not_its_own_cancellation() -> None:
    """The plan cancels the node that the caller runs; the caller goes on."""
    nodes = (
        "p: {kind: layer, models: [m/slow, m/a, m/b], quorum: 2, grace_s: 0}\nw: {kind: synth, model: m/w, inputs: [p]}"
    )
    stage = Stage({"m/slow": (1e6,), "*": "text"})
    async with asyncio.timeout(5):
        result = await stage.run(nodes)
    assert result.answer is not None
    assert result.nodes[0].state == "cancelled"
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_folds_need_no_task() -> None:
    """What is computed in code runs at once, where its last input ended."""
    tasks: list[asyncio.Task[object] | None] = []

    def listener(event: Event) -> None:
        if isinstance(event, NodeFinished) and event.node in ("p", "f"):
            tasks.append(asyncio.current_task())

    stage = Stage({"*": "text"})
    await stage.run("p: {kind: layer, models: [m/a]}\nf: {kind: fallback, inputs: [p]}", listener=listener)
    assert len(tasks) == 2
    assert tasks[0] is tasks[1]
    assert ("NodeStarted", "p") not in told(stage, NodeStarted)


async def test_cancel_meets_a_task_that_has_not_begun() -> None:
    """The run is cancelled by something that also makes two nodes ready: one of them never gets to begin."""
    runs: list[asyncio.Task[RunResult]] = []

    def cancelling(_call: Call) -> str:
        runs[0].cancel()
        return "text"

    stage = Stage({"m/a": cancelling, "*": (1e6,)})
    runs.append(start(stage, FAN))
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(runs[0], 5)
    assert stage.sim.running == []


async def test_bug_meets_a_task_that_has_not_begun() -> None:
    def listener(event: Event) -> None:
        if isinstance(event, NodeReady) and event.node == "c":
            raise ZeroDivisionError

    stage = Stage({"*": "text"})
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(stage.run(FAN, listener=listener), 5)


async def test_scheduler_runs_a_run() -> None:
    stage = Stage({"*": "text"})
    run = Run(stage.fusion.services, bound_of(FAN), ask("Why?"), None)
    await Scheduler(run).run()
    assert run.progress.states[run.bound.output].outcome is not None
    assert [event.node for event in run.trace.events if isinstance(event, NodeFinished)] == ["a", "b", "c", "w"]
