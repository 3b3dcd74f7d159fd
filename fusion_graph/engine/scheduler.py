"""The tasks of one run: what is awaited, and how all of it ends. What to do next the `driver` says.

The node that finishes last runs its first ready successor in the same task; only further ready nodes get a task of
their own. Only a bug ends the run with an exception. The tasks are kept as a TaskGroup would, without its callback per
task: no task outlives its run.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from fusion_graph.engine.driver import Driver
from fusion_graph.errors import NodeFailed
from fusion_graph.graph.plan import IDLE, RUNNING

if TYPE_CHECKING:
    from fusion_graph.engine.run import Run


class Scheduler:
    """Runs one Run to the end of its plan."""

    __slots__ = ("_chains", "_driver", "_ended", "_loop", "_run")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._loop = asyncio.get_running_loop()
        self._driver = Driver(run, self._loop, self._spawn)
        self._chains: dict[int, asyncio.Task[None]] = {}  # by the node each began with
        self._ended: asyncio.Future[None] = self._loop.create_future()  # the last chain's, or a bug's

    async def run(self) -> None:
        """Returns when the output is settled and every task has ended. Cancelling it cancels every call."""
        driver = self._driver
        try:
            driver.open()
            if self._chains:
                await self._ended
        finally:
            driver.close()
            await self._stop()
        if IDLE in self._run.progress.phase:
            driver.tell_unasked()

    def _spawn(self, i: int) -> None:
        self._chains[i] = self._loop.create_task(self._chain(i))

    async def _chain(self, first: int) -> None:
        """Run a node, then whatever it made ready first, and so on."""
        driver, phase, tasks = self._driver, self._run.progress.phase, self._run.tasks
        i, task = first, self._chains[first]
        try:
            while i >= 0 and phase[i] == RUNNING:
                tasks[i] = task
                try:
                    result = await driver.begin(i)
                except NodeFailed as error:
                    i = driver.failed(i, error)
                except asyncio.CancelledError:
                    if phase[i] == RUNNING or task.uncancel() > 0:
                        raise
                    break  # the plan cancelled it and has its outcome already
                else:
                    i = driver.ended(i, result)
        except Exception as bug:  # noqa: BLE001 (the run raises it)
            if not self._ended.done():
                self._ended.set_exception(bug)
        finally:
            del self._chains[first]
            del task  # a cancelled one keeps this frame, by the traceback of its cancellation
            if not self._chains and not self._ended.done():
                self._ended.set_result(None)

    async def _stop(self) -> None:
        """Cancel what still runs after a bug or a cancellation, and wait for its end, however often we are asked."""
        for task in self._chains.values():
            task.cancel()
        while left := [task for task in self._chains.values() if not task.done()]:  # one that never began stays in
            with suppress(asyncio.CancelledError):
                await asyncio.wait(left)
