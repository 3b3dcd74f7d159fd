"""The tasks of one run: what is awaited, and how all of it ends. What to do next the `driver` says.

The node that finishes last runs its first ready successor in the same task, and the caller's own task runs the first
node of all; only further ready nodes get a task of their own. Only a bug ends the run with an exception. The tasks are
kept as a TaskGroup would, without its callback per task: no task outlives its run.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fusion_graph.engine.context import begin
from fusion_graph.engine.driver import Driver
from fusion_graph.errors import NodeFailed
from fusion_graph.graph.plan import RUNNING

if TYPE_CHECKING:
    from fusion_graph.engine.run import Run


class Scheduler:
    """Runs one Run to the end of its plan, for the task that makes it."""

    __slots__ = ("_bug", "_chains", "_driver", "_ended", "_loop", "_own", "_run")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._loop = asyncio.get_running_loop()
        self._driver = Driver(run, self._loop, self._spawn)
        self._own: asyncio.Task[Any] | None = None  # the caller's, while it runs a chain itself
        self._chains: dict[int, asyncio.Task[None]] = {}  # of all others, by the node each began with
        self._ended: asyncio.Future[None] | None = None  # what the caller waits for when it has nothing left to run
        self._bug: Exception | None = None

    async def run(self) -> None:
        """Returns when the output is settled and every task has ended. Cancelling it cancels every call."""
        driver, task = self._driver, asyncio.current_task()
        assert task is not None
        try:
            first = driver.open()
            if first >= 0:
                self._own = task
                await self._chain(first, task)
                self._own = None
            if self._chains:
                self._ended = self._loop.create_future()
                await self._ended
        except asyncio.CancelledError:
            if self._bug is None or task.uncancel() > 0:
                del task
                raise
        finally:
            self._own = None
            driver.close()
            if self._chains:
                await self._stop()
        if self._bug is not None:
            raise self._bug
        driver.tell_unasked()

    async def _chain(self, i: int, task: asyncio.Task[Any]) -> None:
        """Run a node, then whatever it made ready first, and so on, all in this task."""
        driver, run = self._driver, self._run
        states, tasks = run.progress.states, run.tasks
        while i >= 0 and states[i].phase == RUNNING:
            tasks[i] = task
            try:
                result = await begin(run, i)
            except NodeFailed as error:
                i = driver.failed(i, error)
            except asyncio.CancelledError:
                if states[i].phase == RUNNING or task.uncancel() > 0:
                    del task  # the traceback of its cancellation keeps this frame
                    raise
                break  # the plan cancelled it and has its outcome already
            else:
                i = driver.ended(i, result)

    # --- the tasks of other chains ------------------------------------------------------------------------------------

    def _spawn(self, i: int) -> None:
        self._chains[i] = self._loop.create_task(self._apart(i), name=self._run.progress.plan.ids[i])

    async def _apart(self, first: int) -> None:
        try:
            await self._chain(first, self._chains[first])
        except Exception as bug:  # noqa: BLE001 (the run raises it)
            self._bug = self._bug or bug
        finally:
            del self._chains[first]
            if self._bug is not None and self._own is not None:
                self._own.cancel()
                self._own = None
            elif self._ended is not None and (self._bug is not None or not self._chains) and not self._ended.done():
                self._ended.set_result(None)

    async def _stop(self) -> None:
        """Cancel what still runs after a bug or a cancellation, and wait for its end, however often we are asked."""
        for task in self._chains.values():
            task.cancel()
        while left := [task for task in self._chains.values() if not task.done()]:  # one that never began stays in
            with suppress(asyncio.CancelledError):
                await asyncio.wait(left)
