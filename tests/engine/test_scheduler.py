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
    assert run.progress.outcomes[run.bound.output] is not None
    assert [event.node for event in run.trace.events if isinstance(event, NodeFinished)] == ["a", "b", "c", "w"]
