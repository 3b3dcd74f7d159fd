"""Acts on what the plan decides, and tells the plan and the listener what happened. It runs no coroutine itself: a node
that must be awaited goes to `spawn`, see `scheduler`.

Nodes computed in code run inline. A node's failure is an Outcome, never an exception.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from fusion_graph.contracts import WaitAll
from fusion_graph.engine.context import Context
from fusion_graph.errors import NodeFailed, NotLaunched
from fusion_graph.events import GroupClosed, NodeFinished, NodeReady, NodeSkipped, NodeStarted
from fusion_graph.graph.answers import draft_of
from fusion_graph.graph.plan import IDLE, RUNNING, Timer
from fusion_graph.outputs import Outcome

if TYPE_CHECKING:
    from fusion_graph.engine.run import Run


class Driver:
    """Of one run."""

    def __init__(self, run: Run, loop: asyncio.AbstractEventLoop, spawn: Callable[[int], object]) -> None:
        self._run = run
        self._progress = run.progress
        self._loop = loop
        self._spawn = spawn
        self._timers: list[asyncio.Handle] = []
        self._around: contextvars.Context | None = None  # of everything that a run with a deadline begins

    def open(self) -> int:
        """Set the deadline and demand the output; which node the caller's task is to run, -1 for none."""
        run, limits = self._run, self._run.limits
        run.wake = self.wake
        if limits.deadline_s:
            self._around = contextvars.copy_context()
            run.deadline = run.clock() + limits.deadline_s
            run.services.watchdog.add(self, run.deadline - limits.reserve_s)
        self._progress.begin()
        return self._act(run.clock(), chain=True)

    def close(self) -> None:
        """No timer outlives its run. The scheduler and this know each other; cut, so that nothing waits for the
        collector."""
        for timer in self._timers:
            timer.cancel()
        self._run.services.watchdog.watched.pop(self, None)
        self._spawn = _never

    def tell_unasked(self) -> None:
        """The nodes that nobody demanded."""
        run, progress = self._run, self._progress
        for i, state in enumerate(progress.states):
            if state.phase == IDLE:
                run.emit((run.clock(), NodeSkipped, progress.plan.ids[i], "not_needed"))

    # --- one node -----------------------------------------------------------------------------------------------------

    def ended(self, i: int, result: Any) -> int:
        """What `begin` gave was awaited; which node its task is to run next, -1 for none."""
        run = self._run
        outcome, now = Outcome("ok", result if run.kinds[i].run else draft_of(run.nodes[i], result)), run.clock()
        self._finish(i, outcome, now)
        return self._act(now, chain=True)

    def failed(self, i: int, error: NodeFailed) -> int:
        if isinstance(error, NotLaunched):
            self._progress.unlaunched(i)
            return -1
        now = self._run.clock()
        self._finish(i, Outcome("failed", None, error.reason, error.detail), now)
        return self._act(now, chain=True)

    def wake(self) -> None:
        """Act on the plan from outside a node's task: everything ready gets a task, in file order."""
        self._act(self._run.clock(), chain=False)

    def _finish(self, i: int, outcome: Outcome, now: float) -> None:
        """Node i ended, unless the plan settled it in the meantime."""
        run, progress = self._run, self._progress
        if progress.states[i].phase != RUNNING:
            return
        if run.memory is not None and outcome.state == "ok":
            outcome = replace(outcome, state="replayed" if i in progress.decided else run.origins.get(i, "ok"))
        state, reason = outcome.state, outcome.reason
        if state == "failed":
            run.troubled = True
        name = progress.plan.ids[i]
        run.emit((now, NodeFinished, name, state, reason, outcome.detail, outcome.value))
        progress.finished(i, outcome)

    def _fold(self, i: int) -> Outcome:
        """The outcome of a node computed in code."""
        run = self._run
        fold = run.kinds[i].fold
        assert fold is not None
        try:
            return Outcome("ok", fold(Context(run, run.nodes[i])))
        except NodeFailed as error:
            return Outcome("failed", None, error.reason, error.detail)

    # --- what the plan asks -------------------------------------------------------------------------------------------

    def _act(self, now: float, *, chain: bool) -> int:
        """Do what the plan asks until it asks no more; what happens between two nodes computed in code has one time.
        With `chain`, one ready node is left for the caller: its index, else -1."""
        run, progress, following = self._run, self._progress, -1
        while progress.starts or progress.settled or progress.arms:  # what is cancelled is settled too
            if progress.settled or progress.arms:
                self._tell(now)
            while progress.starts:  # one by one: what a node computed in code makes unwanted has not begun
                i = progress.starts.pop(0)
                name, calls = progress.plan.ids[i], progress.plan.calls[i]
                run.emit((now, NodeReady, name, now, NodeStarted, name) if calls else (now, NodeReady, name))
                if progress.states[i].chosen:
                    self._tell_choice(i, now)
                if not calls:
                    outcome, now = self._fold(i), run.clock()
                    self._finish(i, outcome, now)
                elif chain and following < 0:
                    following = i
                else:
                    self._spawn(i)
        if run.live is not None:
            run.live.refresh()
        return following

    def _tell(self, now: float) -> None:
        """Events for what the plan settled, cancellations, timers."""
        run, progress = self._run, self._progress
        settled, progress.settled = progress.settled, []
        for i in settled:
            outcome, name = progress.states[i].outcome, progress.plan.ids[i]
            assert outcome is not None
            if outcome.state == "skipped":
                run.emit((now, NodeSkipped, name, outcome.reason))
            else:
                run.troubled = True
                run.emit((now, NodeFinished, name, outcome.state, outcome.reason, outcome.detail, None))
        cancels, progress.cancels = progress.cancels, []
        for i in cancels:
            task = run.tasks[i]
            if task is not None and task is not asyncio.current_task():  # who has not begun sees that he need not, and
                task.cancel()  # who closed the run in its own name is failing as it is
        arms, progress.arms = progress.arms, []
        for timer, seconds in arms:
            self._timers.append(self._loop.call_later(seconds, self._fire, timer))

    def _tell_choice(self, i: int, now: float) -> None:
        run, progress = self._run, self._progress
        ids = progress.plan.ids
        if not isinstance(progress.plan.waits[i], WaitAll):
            late = progress.late(i)
            if late:
                run.troubled = True
            chosen, left = [ids[c] for c in progress.states[i].chosen], [ids[c] for c in late]
            run.emit((now, GroupClosed, ids[i], tuple(chosen), tuple(left)))

    def _fire(self, timer: Timer) -> None:
        self._progress.fired(timer)
        self.wake()

    def look(self, now: float) -> float:
        """For the watchdog: before the deadline the run closes, at the deadline every call ends."""
        end = self._run.deadline
        assert end is not None
        begin = end - self._run.limits.reserve_s
        if now < begin:
            return begin
        self._soon(self._run.close, "deadline")
        if now < end:
            return end
        self._soon(self._end)
        return inf

    def _soon(self, act: Callable[..., None], *given: Any) -> None:
        """Not at once: a bug would end the watch over all others, and what is around the watchdog is of whichever run
        set its timer, not of this one, whose calls would take it for their own. And not if the run is over by then."""
        self._timers.append(self._loop.call_soon(act, *given, context=self._around))

    def _end(self) -> None:
        self._progress.end("deadline")
        self.wake()


def _never(_node: int) -> None:
    """What `spawn` is after the end."""
