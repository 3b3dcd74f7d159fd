"""A stream of events to one client: what waits to be sent, heartbeats, a client that does not read (wire contract 1.5).

The run puts bytes in from inside its own calls. While the client reads as fast as they come, they leave when the loop
has read what there was to read, for all streams one after the other: a write between two reads wakes its client alone,
and waking costs more than the rest of a chunk. Else the handler writes them out, all that has gathered in one write.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from aiohttp import HttpVersion11

from fusion_graph.server._answer import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from fusion_graph.server._request import Request

COMMIT_S = 1.0  # after this long the status leaves, whatever may come
BEAT_S = 5.0  # half of the longest silence a client sees
ROOM = 1000  # pieces that may wait before a client counts as behind
LINES = "Content-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\n"
CHUNK = b"%x\r\n%b\r\n"


class Outbox:
    """Bytes on their way from a run to its client."""

    __slots__ = ("_closed", "_leaving", "_loop", "_parts", "_waiter", "moved", "pass_on")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.pass_on: Callable[[bytes], bool] | None = None  # a way past the handler, if it can be taken just now
        self._parts: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self._leaving = False  # what is there will leave past the handler
        self.moved = False  # something was put, since whoever asks set it back

    def put(self, data: bytes) -> None:
        if not data:
            return
        self.moved = True
        self._parts.append(data)
        if self.pass_on is None:
            self._wake()
        elif not self._leaving:
            self._leaving = True
            self._loop.call_soon(self._leave)

    def _leave(self) -> None:
        self._leaving = False
        if not self._parts:
            return  # the handler has taken it
        data = self.take_now()
        if self.pass_on is None or not self.pass_on(data):
            self._parts.append(data)
            self._wake()

    def close(self) -> None:
        """Nothing more comes."""
        self._closed = True
        self._wake()

    @property
    def roomy(self) -> bool:
        """Little waits: what is not needed may be said too."""
        return len(self._parts) < ROOM

    @property
    def closed(self) -> bool:
        """Nothing is there and nothing will come."""
        return self._closed and not self._parts

    async def wait(self, seconds: float) -> bool:
        """Until there is something to take or nothing will come; False when it took longer."""
        if self._parts or self._closed:
            return True
        timer = self._loop.call_later(seconds, self._wake)
        try:
            await self._sleep()
        finally:
            timer.cancel()
        return bool(self._parts or self._closed)

    async def take(self) -> bytes:
        """All that has gathered; b"" when nothing will come."""
        while not self._parts:
            if self._closed:
                return b""
            await self._sleep()
        return self.take_now()

    def take_now(self) -> bytes:
        """What is there."""
        parts, self._parts = self._parts, []
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _sleep(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Pulse:
    """Puts a beat into an outbox when the status leaves before anything was said, and at every tick before which
    nothing was."""

    def __init__(self, outbox: Outbox, beat: Callable[[], bytes]) -> None:
        self._outbox = outbox
        self._beat = beat
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        if not self._outbox.moved:
            self._outbox.put(self._beat())
        self._outbox.moved = False
        self._timer = asyncio.get_running_loop().call_later(BEAT_S, self.begin)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class Way(Protocol):
    """Where a streamed run says what it has to say: to its client, or to all who share it."""

    @property
    def outbox(self) -> Outbox:
        """What the run puts its bytes into."""

    async def begin(self) -> None:
        """The status leaves: from here on a failure is an event."""

    async def relay(self) -> None:
        """Send what gathers until nothing will come."""

    async def finish(self, data: bytes) -> None:
        """The last words of an answer. Returns when they have been received."""

    async def fail(self, data: bytes) -> None:
        """The last words of a failure, and no clean end."""

    def end(self) -> None: ...


class Stream:
    """The open answer to one client."""

    def __init__(self, request: Request, lines: str, outbox: Outbox, *, write_s: float) -> None:
        self.outbox = outbox
        self.answer = Answer(None, LINES + lines)
        self._request = request
        self._write_s = write_s
        self._chunked = request.version >= HttpVersion11

    async def begin(self) -> None:
        """The status leaves with the first bytes, which are at hand."""
        if self._chunked:
            self.answer.lines += "Transfer-Encoding: chunked\r\n"
        else:
            self.answer.stays = False  # nothing else would tell where it ends
        data = await self.outbox.take()
        await self._send(self.answer.head(self._request) + self._framed(data))
        if self._chunked:
            self.outbox.pass_on = self._pass_on

    def _pass_on(self, data: bytes) -> bool:
        """Send it as a chunk of its own unless an earlier one still waits for the client; then the handler must wait
        too."""
        transport = self._request.connection.transport
        if transport is None or transport.is_closing() or transport.get_write_buffer_size():
            return False
        transport.write(CHUNK % (len(data), data))
        return True

    async def relay(self) -> None:
        while data := await self.outbox.take():
            await self._send(self._framed(data))

    async def finish(self, data: bytes) -> None:
        """The last bytes, and with them the end."""
        last = self._framed(self.outbox.take_now() + data)
        await self._send(last + b"0\r\n\r\n" if self._chunked else last)

    async def fail(self, data: bytes) -> None:
        """The last bytes, and no end: the connection closes in the middle of the answer (wire contract 1.6)."""
        self.answer.stays = False
        await self._send(self._framed(self.outbox.take_now() + data))

    def end(self) -> None:
        self.outbox.pass_on = None

    def _framed(self, data: bytes) -> bytes:
        return CHUNK % (len(data), data) if data and self._chunked else data

    async def _send(self, data: bytes) -> None:
        """Raises ConnectionResetError for a client that is gone or does not read."""
        connection = self._request.connection
        self._request.send(data)
        if not connection.writing_paused:
            return
        try:
            async with asyncio.timeout(self._write_s):
                await connection.drained()
        except TimeoutError:
            raise ConnectionResetError("the client does not read") from None
