"""The asyncio driver: acts on what the plan decides, and tells it what happened.

The node that finishes last runs its first ready successor in the same task; only further ready nodes get a task of
their own. Nodes computed in code run inline. A node's failure is an Outcome; only a bug ends the run with an
exception. The tasks are kept as a TaskGroup would, without its callback per task: no task outlives its run.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from fusion_graph.contracts import WaitAll
from fusion_graph.engine.context import Context, write
from fusion_graph.errors import NodeFailed
from fusion_graph.events import GroupClosed, NodeFinished, NodeReady, NodeSkipped, NodeStarted
from fusion_graph.graph.answers import draft_of
from fusion_graph.graph.plan import IDLE, RUNNING, Timer
from fusion_graph.outputs import Outcome

if TYPE_CHECKING:
    from fusion_graph.engine.run import Run


class Scheduler:
    """Runs one Run to the end of its plan."""

    __slots__ = ("_chains", "_ended", "_loop", "_progress", "_run", "_timers")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._progress = run.progress
        self._loop = asyncio.get_running_loop()
        self._chains: dict[asyncio.Task[None], None] = {}  # in order of their start
        self._ended: asyncio.Future[None] = self._loop.create_future()  # the last chain's, or a bug's
        self._timers: list[asyncio.TimerHandle] = []

    async def run(self) -> None:
        """Returns when the output is settled and every task has ended. Cancelling it cancels every call."""
        run, progress = self._run, self._progress
        run.wake = self._wake
        try:
            self._set_deadline()
            progress.begin()
            self._wake()
            if self._chains:
                await self._ended
        finally:
            for timer in self._timers:
                timer.cancel()
            await self._stop()
        if IDLE in progress.phase:
            for i, phase in enumerate(progress.phase):
                if phase == IDLE:
                    run.emit((run.clock(), NodeSkipped, progress.plan.ids[i], "not_needed"))

    async def _stop(self) -> None:
        """Cancel what still runs after a bug or a cancellation, and wait for its end, however often we are asked."""
        for task in self._chains:
            task.cancel()
        while left := [task for task in self._chains if not task.done()]:  # one that never began cannot take itself out
            with suppress(asyncio.CancelledError):
                await asyncio.wait(left)

    def _set_deadline(self) -> None:
        run, limits = self._run, self._run.limits
        if limits.deadline_s:
            start = self._loop.time()
            run.deadline = run.services.clock() + limits.deadline_s
            self._timers.append(self._loop.call_at(start + limits.deadline_s - limits.reserve_s, run.close, "deadline"))
            self._timers.append(self._loop.call_at(start + limits.deadline_s, self._end))

    def _end(self) -> None:
        self._run.close("deadline")
        self._progress.end("deadline")
        self._wake()

    # --- the loop -----------------------------------------------------------------------------------------------------

    async def _chain(self, i: int) -> None:
        """Run a node, then whatever it made ready first, and so on."""
        run, progress = self._run, self._progress
        phase, bound, task = progress.phase, run.bound, asyncio.current_task(self._loop)
        assert task is not None
        try:
            while i >= 0 and phase[i] == RUNNING:
                node, execute = bound.nodes[i], bound.kinds[i].run
                run.tasks[i] = task
                try:
                    if execute is None:
                        outcome = Outcome("ok", draft_of(node, await write(run, node)))
                    else:
                        outcome = Outcome("ok", await execute(Context(run, node)))
                except NodeFailed as error:
                    outcome = Outcome("failed", None, error.reason, error.detail)
                except asyncio.CancelledError:
                    if phase[i] == RUNNING or task.uncancel() > 0:
                        raise
                    break  # the plan cancelled it and has its outcome already
                if phase[i] == RUNNING:
                    self._finish(i, outcome)
                stirred = progress.starts or progress.settled or progress.arms or run.live is not None
                i = self._act(chain=True) if stirred else -1
        except Exception as bug:  # noqa: BLE001 (the run raises it)
            if not self._ended.done():
                self._ended.set_exception(bug)
        finally:
            self._chains.pop(task, None)
            del task  # a cancelled one keeps this frame, by the traceback of its cancellation
            if not self._chains and not self._ended.done():
                self._ended.set_result(None)

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
        if run.memory is not None and outcome.state == "ok":
            outcome = outcome._replace(state="replayed" if i in progress.decided else run.origins.get(i, "ok"))
        state, value, reason, detail = outcome
        if state == "failed":
            run.troubled = True
        run.emit((run.clock(), NodeFinished, progress.plan.ids[i], state, reason, detail, value))
        progress.finished(i, outcome)

    def _wake(self) -> None:
        """Act on the plan from outside a chain: everything ready gets a task, in file order."""
        self._act(chain=False)

    def _act(self, *, chain: bool) -> int:
        """Do what the plan asks until it asks no more. With `chain`, one ready node is left for the caller: its
        index, else -1."""
        run, progress, following = self._run, self._progress, -1
        ids, calls = progress.plan.ids, progress.plan.calls
        while True:
            if progress.settled or progress.cancels or progress.arms:
                self._tell()
            if not progress.starts:
                break
            while progress.starts:  # one by one: what a node computed in code makes unwanted has not begun
                i = progress.starts.pop(0)
                now = run.clock()
                run.emit((now, NodeReady, ids[i], now, NodeStarted, ids[i]) if calls[i] else (now, NodeReady, ids[i]))
                if progress.chosen[i]:
                    self._tell_choice(i)
                if not calls[i]:
                    outcome = self._fold(i)
                    if progress.phase[i] == RUNNING:
                        self._finish(i, outcome)
                elif chain and following < 0:
                    following = i
                else:
                    self._chains[self._loop.create_task(self._chain(i))] = None
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
                run.emit((run.clock(), NodeSkipped, name, outcome.reason))
            else:
                run.troubled = True
                run.emit((run.clock(), NodeFinished, name, outcome.state, outcome.reason, outcome.detail, None))
        cancels, progress.cancels = progress.cancels, []
        for i in cancels:
            task = run.tasks[i]
            if task is not None:
                task.cancel()
        arms, progress.arms = progress.arms, []
        for timer, seconds in arms:
            self._timers.append(self._loop.call_later(seconds, self._fire, timer))

    def _fire(self, timer: Timer) -> None:
        self._progress.fired(timer)
        self._wake()

    def _tell_choice(self, i: int) -> None:
        run, progress = self._run, self._progress
        ids = progress.plan.ids
        if not isinstance(progress.plan.waits[i], WaitAll):
            if progress.late[i]:
                run.troubled = True
            chosen = tuple([ids[s] for s in progress.chosen[i]])
            run.emit((run.clock(), GroupClosed, ids[i], chosen, tuple([ids[s] for s in progress.late[i]])))
