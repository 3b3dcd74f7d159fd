"""The asyncio driver: acts on what the plan decides, one TaskGroup a run, and tells it what happened.

The node that finishes last runs its first ready successor in the same task; only further ready nodes get a task of
their own. Nodes computed in code run inline. A node's failure is an Outcome; only a bug ends the run with an
exception.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fusion_graph.contracts import WaitAll
from fusion_graph.engine.context import Context
from fusion_graph.errors import NodeFailed
from fusion_graph.events import GroupClosed, NodeFinished, NodeReady, NodeSkipped, NodeStarted
from fusion_graph.graph.plan import IDLE, RUNNING, Timer
from fusion_graph.outputs import Outcome

if TYPE_CHECKING:
    from fusion_graph.engine.run import Run


class Scheduler:
    """Runs one Run to the end of its plan."""

    __slots__ = ("_group", "_progress", "_run", "_timers")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._progress = run.progress
        self._timers: list[asyncio.TimerHandle] = []
        self._group: asyncio.TaskGroup

    async def run(self) -> None:
        """Returns when the output is settled and every task has ended. Cancelling it cancels every call."""
        run, progress = self._run, self._progress
        run.wake = self._wake
        try:
            async with asyncio.TaskGroup() as self._group:
                self._set_deadline()
                progress.begin()
                self._wake()
        finally:
            for timer in self._timers:
                timer.cancel()
        for i, phase in enumerate(progress.phase):
            if phase == IDLE:
                run.emit(NodeSkipped, progress.plan.ids[i], "not_needed")

    def _set_deadline(self) -> None:
        run, limits = self._run, self._run.limits
        if limits.deadline_s:
            loop = asyncio.get_running_loop()
            start = loop.time()
            run.deadline = run.services.clock() + limits.deadline_s
            self._timers.append(loop.call_at(start + limits.deadline_s - limits.reserve_s, run.close, "deadline"))
            self._timers.append(loop.call_at(start + limits.deadline_s, self._end))

    def _end(self) -> None:
        self._run.close("deadline")
        self._progress.end("deadline")
        self._wake()

    # --- the loop -----------------------------------------------------------------------------------------------------

    async def _chain(self, i: int) -> None:
        """Run a node, then whatever it made ready first, and so on."""
        progress, run = self._progress, self._run
        tasks = run.tasks
        task = tasks[i]
        while i >= 0 and progress.phase[i] == RUNNING:
            tasks[i] = task
            run.emit(NodeStarted, progress.plan.ids[i])
            outcome = await self._execute(i)
            tasks[i] = None
            if outcome is None:
                return
            self._finish(i, outcome)
            i = self._act(chain=True)

    async def _execute(self, i: int) -> Outcome | None:
        """The node's outcome; None when the plan cancelled it and has its outcome already."""
        run = self._run
        execute = run.bound.kinds[i].run
        assert execute is not None
        try:
            return Outcome("ok", await execute(Context(run, run.bound.nodes[i])))
        except NodeFailed as error:
            return Outcome("failed", None, error.reason, error.detail)
        except asyncio.CancelledError:
            task = run.tasks[i]
            if self._progress.phase[i] != RUNNING and task is not None and task.uncancel() == 0:
                return None
            raise

    def _fold(self, i: int) -> Outcome:
        """The outcome of a node computed in code."""
        run = self._run
        fold = run.bound.kinds[i].fold
        assert fold is not None
        try:
            return Outcome("ok", fold(Context(run, run.bound.nodes[i])))
        except NodeFailed as error:
            return Outcome("failed", None, error.reason, error.detail)

    def _finish(self, i: int, outcome: Outcome) -> None:
        run, progress = self._run, self._progress
        if progress.phase[i] != RUNNING:
            return
        if outcome.state == "failed":
            run.troubled = True
        run.emit(NodeFinished, progress.plan.ids[i], outcome.state, outcome.reason, outcome.detail, outcome.value)
        progress.finished(i, outcome)

    def _wake(self) -> None:
        """Act on the plan from outside a chain: everything ready gets a task, in file order."""
        self._act(chain=False)

    def _spawn(self, i: int) -> None:
        self._run.tasks[i] = self._group.create_task(self._chain(i))

    def _act(self, *, chain: bool) -> int:
        """Do what the plan asks until it asks no more. With `chain`, one ready node is left for the caller: its
        index, else -1."""
        run, progress, following = self._run, self._progress, -1
        models = run.bound.plan.calls
        while True:
            if progress.settled or progress.cancels or progress.arms:
                self._tell()
            if not progress.starts:
                break
            starts, progress.starts = progress.starts, []
            for i in starts:
                if progress.phase[i] != RUNNING:
                    continue
                run.emit(NodeReady, progress.plan.ids[i])
                if progress.chosen[i]:
                    self._tell_choice(i)
                if not models[i]:
                    self._finish(i, self._fold(i))
                elif chain and following < 0:
                    following = i
                else:
                    self._spawn(i)
        if run.live is not None:
            run.live.refresh()
        return following

    # --- telling ------------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        """Events for what the plan settled, cancellations, timers."""
        run, progress = self._run, self._progress
        settled, progress.settled = progress.settled, []
        for i in settled:
            outcome, name = progress.outcomes[i], progress.plan.ids[i]
            assert outcome is not None
            if outcome.state == "skipped":
                run.emit(NodeSkipped, name, outcome.reason)
            else:
                run.troubled = True
                run.emit(NodeFinished, name, outcome.state, outcome.reason, outcome.detail, None)
        cancels, progress.cancels = progress.cancels, []
        for i in cancels:
            task = run.tasks[i]
            if task is not None:
                task.cancel()
        arms, progress.arms = progress.arms, []
        for timer, seconds in arms:
            self._timers.append(asyncio.get_running_loop().call_later(seconds, self._fire, timer))

    def _fire(self, timer: Timer) -> None:
        self._progress.fired(timer)
        self._wake()

    def _tell_choice(self, i: int) -> None:
        run, progress = self._run, self._progress
        ids = progress.plan.ids
        if not isinstance(progress.plan.waits[i], WaitAll):
            chosen = tuple(ids[s] for s in progress.chosen[i])
            run.emit(GroupClosed, ids[i], chosen, tuple(ids[s] for s in progress.late[i]))
