"""Who may begin a run, and when it must end: places, a bounded queue, and the end of the server.

A run holds a ticket. Draining lets no run begin, waits for those that go on, then stops what is left.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Self

from fusion_graph.server._errors import unavailable


class Ticket:
    """One run's place for the time of a block, held by the task that serves it. `stopped`: the server ended it, not
    its client."""

    __slots__ = ("_admission", "_task", "stopped")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._task = asyncio.current_task()
        self.stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._admission.leave(self)

    def stop(self) -> None:
        self.stopped = True
        if self._task is not None:
            self._task.cancel()

    def was_stopped(self) -> bool:
        """The cancellation that is being handled is the server's: it is taken back, so that an answer can be given."""
        return self.stopped and self._task is not None and self._task.uncancel() == 0


class Admission:
    """Places for runs. Must be made inside the event loop."""

    def __init__(self, *, max_runs: int, max_queue: int, queue_s: float) -> None:
        self._max_runs = max_runs
        self._max_queue = max_queue
        self._queue_s = queue_s
        self.tickets: set[Ticket] = set()  # of the runs that go on
        self._queue: deque[asyncio.Future[None]] = deque()
        self._taken = 0  # places, also those on their way to somebody in the queue
        self._empty = asyncio.Event()  # the last run has ended, once no other may begin
        self.draining = False

    @property
    def running(self) -> int:
        return len(self.tickets)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def place(self) -> Ticket:
        """A place for the time of a block. Raises Refused 503 when there is none."""
        if self.draining:
            raise unavailable("the server is shutting down", "draining")
        if self._taken < self._max_runs:
            self._taken += 1
        else:
            await self._wait_for_place()
        ticket = Ticket(self)
        self.tickets.add(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        self.tickets.discard(ticket)
        self._leave()
        if self.draining and not self.tickets:
            self._empty.set()

    async def _wait_for_place(self) -> None:
        if len(self._queue) >= self._max_queue:
            raise unavailable("the server is at its limit", "overloaded")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout(self._queue_s):
                await turn
        except BaseException as error:
            if turn in self._queue:
                self._queue.remove(turn)
            elif turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave()  # the place came while we went away
            if isinstance(error, TimeoutError):
                raise unavailable("no place became free in time", "overloaded") from None
            raise

    def _leave(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)  # the place goes on to whoever waited longest
                return
        self._taken -= 1

    async def drain(self, seconds: float) -> int:
        """Let nobody begin; wait; stop the rest. Returns how many were stopped."""
        self.draining = True
        if not self.tickets:
            self._empty.set()
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_exception(unavailable("the server is shutting down", "draining"))
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            pass
        left = list(self.tickets)
        for ticket in left:
            ticket.stop()
        await self._empty.wait()
        return len(left)
