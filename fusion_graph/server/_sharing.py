"""Requests in flight with the same `Idempotency-Key` and body share one run (wire contract 1.7). The run belongs to
nobody: it goes on while one of them is there, and is cancelled when the last has left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from fusion_graph.server._errors import invalid
from fusion_graph.server._sse import Outbox

T = TypeVar("T")
MAX_CHARS = 256


class Channel:
    """One streamed run and all who read it: whoever comes late gets what was said so far, then what is said. The run
    sees it as its way, each client has an outbox of its own."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.run_id = ""
        self.whole = False  # it ended as an answer does
        self._said: list[bytes] = []
        self._readers: set[Outbox] = set()
        self._over = False
        self._begun = asyncio.Event()
        self._received = asyncio.Event()

    # --- for the run ---

    async def begin(self) -> None:
        self._begun.set()

    async def relay(self) -> None:
        while data := await self.outbox.take():
            self._say(data)

    async def finish(self, data: bytes) -> None:
        """If nobody is left to receive it, the run is cancelled here."""
        self.whole = True
        self._say(self.outbox.take_now() + data)
        self.end()
        await self._received.wait()

    async def fail(self, data: bytes) -> None:
        self._say(self.outbox.take_now() + data)

    def end(self) -> None:
        self._over = True
        for reader in self._readers:
            reader.close()

    def _say(self, data: bytes) -> None:
        self._said.append(data)
        for reader in self._readers:
            reader.put(data)

    # --- for a client ---

    async def begun(self, run: asyncio.Task[None]) -> None:
        """Until a status can leave. Raises what the run ended with if it ends before."""
        begun = asyncio.ensure_future(self._begun.wait())
        try:
            await asyncio.wait([begun, run], return_when=asyncio.FIRST_COMPLETED)
        finally:
            begun.cancel()
        if not self._begun.is_set():
            run.result()

    @contextmanager
    def reading(self) -> Iterator[Outbox]:
        """All that was said, and all that will be."""
        reader = Outbox()
        for data in self._said:
            reader.put(data)
        if self._over:
            reader.close()
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    def received(self) -> None:
        """A client has it all: it counts as delivered."""
        self._received.set()


class _Shared:
    """One run in flight. `what` is a Channel for a streamed one."""

    def __init__(self, body: str, what: Any, work: Coroutine[Any, Any, Any]) -> None:
        self.body = body
        self.what = what
        self.task: asyncio.Task[Any] = asyncio.create_task(work)
        self.clients = 0


class Sharing:
    """What is in flight, by the caller's key and its idempotency key."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], _Shared] = {}

    def __len__(self) -> int:
        return len(self._open)

    @property
    def clients(self) -> int:
        """Requests that wait for or read what is in flight."""
        return sum(shared.clients for shared in self._open.values())

    async def whole(self, tenant: str, name: str, body: str, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `make` gives, to all who ask. Raises what it raises, and Refused for the same name with another body."""
        with self._joined(tenant, name, body, lambda: (None, make())) as shared:
            made: Awaitable[T] = asyncio.shield(shared.task)
            return await made

    @contextmanager
    def streamed(
        self, tenant: str, name: str, body: str, make: Callable[[Channel], Coroutine[Any, Any, None]]
    ) -> Iterator[tuple[Channel, asyncio.Task[None]]]:
        """The channel of a run, and the run; for the time of the block the caller is one of its clients."""

        def begin() -> tuple[Channel, Coroutine[Any, Any, None]]:
            channel = Channel()
            return channel, make(channel)

        with self._joined(tenant, name, body, begin) as shared:
            yield shared.what, shared.task

    @contextmanager
    def _joined(
        self, tenant: str, name: str, body: str, begin: Callable[[], tuple[Any, Coroutine[Any, Any, Any]]]
    ) -> Iterator[_Shared]:
        if not 0 < len(name) <= MAX_CHARS:
            raise invalid(f"an Idempotency-Key has 1 to {MAX_CHARS} characters", "Idempotency-Key")
        place = (tenant, name)
        shared = self._open.get(place)
        if shared is not None and shared.body != body:
            raise invalid("this Idempotency-Key belongs to another request", "Idempotency-Key")
        if shared is None or shared.task.cancelling():
            shared = self._open[place] = _Shared(body, *begin())
            shared.task.add_done_callback(partial(self._done, place))
        shared.clients += 1
        try:
            yield shared
        finally:
            shared.clients -= 1
            if not shared.clients and not shared.task.done():
                shared.task.cancel()

    def _done(self, place: tuple[str, str], task: asyncio.Task[Any]) -> None:
        if place in self._open and self._open[place].task is task:
            del self._open[place]
        if not task.cancelled():
            task.exception()  # seen, also if nobody waits
