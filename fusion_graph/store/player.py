"""Plays a cassette: a doorkeeper that answers every attempt as it was answered, in the recorded order and at the
recorded times. Nobody stands behind the door.

It conducts a `Clockwork` loop. What was recorded comes before a timer that falls due at about the same time, unless
something else was recorded to come first (a retry that begins, a straggler that is cut): then that timer is its cause.
So what a quorum, a hedge or a deadline decided is decided again.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

from fusion_graph.contracts import Sink
from fusion_graph.errors import FusionError
from fusion_graph.events import CallFailed, Event, RunStarted
from fusion_graph.messages import Completion, Delta
from fusion_graph.store.cassette import Cassette
from fusion_graph.store.clockwork import Clockwork, Move
from fusion_graph.store.digest import call_digest, use_digest
from fusion_graph.store.door import Attempt, Caller
from fusion_graph.store.strangers import stranger

LATE_S = 0.1
"""How much later than due a timer of the recorded run may have fired."""

Task: TypeAlias = "asyncio.Task[Any] | None"


class Unrecorded(FusionError):
    """The run asks for what the cassette does not hold."""


class Player:
    """Also the run's listener, and its `sleep`. For one run."""

    def __init__(self, cassette: Cassette, loop: Clockwork) -> None:
        self._cassette = cassette
        self._loop = loop
        self._caller = Caller()
        self._offset = 0.0  # the loop's time at which the run began
        self._left: dict[str, list[int]] = defaultdict(list)  # digest -> attempts that were not asked for yet
        for number, attempt in enumerate(cassette.attempts):
            self._left[attempt.digest].append(number)
        self._done = bytearray(len(cassette.events))
        self._first = 0  # of the events that are not done
        self._awaited: list[int] = []  # heap: the next event of each attempt that has begun
        self._turns: dict[int, asyncio.Future[None]] = {}  # by event
        self._asked: dict[Task, tuple[str, str]] = {}  # node and digest of a task's last attempt
        self._naps: dict[Task, float | None] = {}  # until when a task waits that is about to try again
        loop.next_move = self._next_move

    def listen(self, event: Event) -> None:
        if type(event) is RunStarted:
            self._offset = self._loop.time()
        elif type(event) is CallFailed and event.next_s is not None:
            task = asyncio.current_task()
            self._naps[task] = next(map(self._begun_at, self._own(*self._asked[task])), None)
        self._caller(event)

    async def sleep(self, seconds: float) -> None:
        """Before a retry: until it began, which may have been late. If it never did, the wait was cut, or there was no
        money for what came after it: then as long as it was to be, and the same comes of it."""
        at = self._naps.pop(asyncio.current_task(), None)
        if at is not None:
            seconds = max(0.0, at + self._offset - self._loop.time())
        await asyncio.sleep(seconds)

    # --- attempts -----------------------------------------------------------------------------------------------------

    async def __call__(self, attempt: Attempt, sink: Sink) -> Completion:
        found: Completion = await self._play(self._find(attempt), sink)
        return found

    async def use(self, tool: str, arguments: Mapping[str, Any], _site: Any = None) -> str:
        """What a tool gave. Of equal uses the one that began first. Raises ToolError as it did, and Unrecorded."""
        left = self._left.get(use_digest(tool, arguments))
        if not left:
            raise Unrecorded(
                f"{self._cassette.file}: the tool {tool} is asked for what is not recorded",
                hint="record it anew with --record FILE if the change is meant",
            )
        found: str = await self._play(left.pop(0), _ignore)
        return found

    async def _play(self, number: int, sink: Sink) -> Any:
        start, *events = self._cassette.attempts[number].events
        self._done[start] = True
        try:
            for event in events:
                what = self._cassette.events[event].what
                if what is None:
                    break
                await self._turn(event)
                if isinstance(what, Delta):
                    sink(what)
                elif isinstance(what, Completion | str):
                    return what
                else:
                    raise what
            await asyncio.Future()  # it was cancelled, or the recording was: it will be again
            raise AssertionError
        finally:
            for event in events:
                self._done[event] = True

    # --- which --------------------------------------------------------------------------------------------------------

    def _find(self, attempt: Attempt) -> int:
        """The attempt on the cassette that this one is: of equal ones the node's own first. Raises Unrecorded."""
        node, task = self._caller.node(attempt.call), asyncio.current_task()
        digest = call_digest("", 0, attempt.backend, attempt.call, self._cassette.head["fence"])
        left = self._left.get(digest, [])
        if not left:
            message, hint = stranger(self._cassette, node, attempt.backend, attempt.call, digest)
            raise Unrecorded(message, hint=hint)
        number = next(self._own(node, digest), left[0])
        left.remove(number)
        self._asked[task] = (node, digest)
        return number

    def _own(self, node: str, digest: str) -> Iterator[int]:
        """The attempts that were not asked for yet and were this node's."""
        return (number for number in self._left.get(digest, ()) if self._cassette.attempts[number].node == node)

    def _begun_at(self, number: int) -> float:
        return self._cassette.events[self._cassette.attempts[number].events[0]].at

    # --- conducting ---------------------------------------------------------------------------------------------------

    async def _turn(self, event: int) -> None:
        """Wait for what was recorded to be next."""
        turn = self._turns[event] = self._loop.create_future()
        heapq.heappush(self._awaited, event)
        await turn

    def _next_move(self, due: float) -> Move | None:
        done, awaited = self._done, self._awaited
        while awaited and done[awaited[0]]:  # its attempt was cancelled
            self._turns.pop(heapq.heappop(awaited), None)
        while self._first < len(done) and done[self._first]:
            self._first += 1
        if not awaited:
            return None
        event = awaited[0]
        at = self._cassette.events[event].at + self._offset
        if at > due + (LATE_S if event == self._first else 0.0):
            return None
        return Move(at, partial(self._deliver, event))

    def _deliver(self, event: int) -> None:
        heapq.heappop(self._awaited)
        self._done[event] = True
        turn = self._turns.pop(event)
        if not turn.done():
            turn.set_result(None)


def _ignore(_piece: Delta) -> None:
    """Tools give no pieces."""
