"""The connections of one backend, and requests over them: everything but the body is made once, and a request is one
write. Connecting, TLS and the reading of answers are aiohttp's; its session, which builds each request anew, and its
pool are left out (they cost more than the rest of a call). So there are no redirects, cookies, proxies or netrc here.

Without a cap on connections, because the engine has caps.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from fusion_graph.contracts import DEPTH, DEPTH_HEADER
from fusion_graph.errors import UsageError
from fusion_graph.providers._openai_errors import FOREIGN, is_disconnect

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.http import RawResponseMessage

CONNECT_S = 10.0
REST_S, TIDY_S = 15.0, 5.0  # how long a connection may rest, and how often that is looked at
_STALE_S = 1.0  # a resting connection that was closed shows at once; what breaks later may have been at work
_INTERIM = range(100, 200)
_REQUEST = b"%b%d\r\nContent-Length: %d\r\n\r\n%b"


class Tap(asyncio.Protocol):
    """One connection. It stands between its socket and aiohttp's protocol, which does not say when something has come:
    it wakes a task, and a task costs more than the reading. Also breaks a body off when its connection is gone: the C
    parser closes the connection on a bad chunk size and does not tell who waits for the body (seen in 3.14.5)."""

    __slots__ = ("_connection", "_inner", "body", "look", "since")

    def __init__(self, connection: Connection, inner: ResponseHandler) -> None:
        self._connection = connection
        self._inner = inner
        self.since = 0.0  # when it began to rest, in the loop's time; 0 = it never did
        self.body: aiohttp.StreamReader | None = None
        self.look: Callable[[], None] = idle  # what to do when something has come

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)
        self.look()

    def eof_received(self) -> None:
        self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)
        body = self.body
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(aiohttp.ClientPayloadError("the connection is gone"))
        self.look()

    @property
    def open(self) -> bool:
        transport = self._inner.transport
        return transport is not None and not transport.is_closing()

    @property
    def clean(self) -> bool:
        """Everything was sent and everything read: the next request may use it."""
        transport = self._inner.transport
        return transport is not None and not transport.get_write_buffer_size() and not self._inner.should_close

    async def ask(self, request: bytes) -> tuple[RawResponseMessage, aiohttp.StreamReader]:
        """The head of the answer, and its body to come."""
        protocol, transport = self._inner, self._inner.transport
        if transport is None:
            raise aiohttp.ServerDisconnectedError
        protocol.set_response_params(read_until_eof=True)
        transport.write(request)
        message, body = await protocol.read()
        while message.code in _INTERIM and not message.upgrade:
            message, body = await protocol.read()
        self.body = body
        return message, body

    def drop(self) -> None:
        """Closed at once: what was not sent yet is not sent any more."""
        if self._inner.transport is not None:
            self._inner.transport.abort()
        self._connection.close()

    def release(self) -> None:
        """To be closed with the connector, which waits for its end."""
        self._connection.release()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


def idle() -> None:
    """What a tap does while nobody reads."""


class Answer:
    """An answer whose head is here. To be ended, however it went."""

    __slots__ = ("_pool", "_tap", "body", "headers", "status")

    def __init__(self, pool: Pool, tap: Tap, message: RawResponseMessage, body: aiohttp.StreamReader) -> None:
        self._pool = pool
        self._tap = tap
        self.status = message.code
        self.headers: Mapping[str, str] = message.headers
        self.body = body

    async def each(self, take: Callable[[bytes], bool]) -> None:
        """Give `take` what comes of the body, the moment it comes, until it is true or the body ends. Raises what the
        body or `take` raises."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def look() -> None:
            if over.done():
                return
            try:
                enough = False
                while not enough and (chunk := self.body.read_nowait()):
                    enough = take(chunk)
            except Exception as error:  # noqa: BLE001 (whoever waits gets it)
                over.set_exception(error)
            else:
                if enough or self.body.at_eof():
                    over.set_result(None)

        look()
        self._tap.look = look
        try:
            await over
        finally:
            self._tap.look = idle

    def end(self) -> None:
        """The connection goes back to the pool if the answer came to its end, else it is closed."""
        tap, tap.body = self._tap, None
        if self.body.is_eof() and tap.clean:
            self._pool.rest(tap)
        else:
            tap.drop()


class Pool:
    """Must be made inside the event loop."""

    def __init__(self, url: str, headers: Mapping[str, str], now: Callable[[], float] = time.monotonic) -> None:
        """Raises UsageError for a header that cannot be sent."""
        self._request = aiohttp.ClientRequest("POST", URL(url), headers=headers)
        self._head = _head(self._request)
        self._connector = aiohttp.TCPConnector(limit=0, limit_per_host=0, ttl_dns_cache=300)
        self._timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_S)
        self._now = now
        self._loop = asyncio.get_running_loop()
        self._resting: list[Tap] = []  # in the order in which they began to; the last one is used first
        self._tidying: asyncio.TimerHandle | None = None

    async def post(self, body: bytes) -> Answer:
        """Raises what `before_answer` can tell. A pooled connection that turns out to be closed is no attempt: the
        request goes out on the next one (llama.cpp closes each after a stream and does not say so)."""
        request = _REQUEST % (self._head, DEPTH.get() + 1, len(body), body)
        while True:
            began = self._now()
            tap = self._rested() or await self._connect()
            try:
                message, content = await tap.ask(request)
            except FOREIGN as error:
                tap.drop()
                if not (tap.since and is_disconnect(error) and self._now() - began < _STALE_S):
                    raise
            except BaseException:
                tap.drop()
                raise
            else:
                return Answer(self, tap, message, content)

    async def _connect(self) -> Tap:
        try:
            connection = await self._connector.connect(self._request, [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None:
            connection.close()
            raise aiohttp.ServerDisconnectedError
        tap = Tap(connection, protocol)
        transport.set_protocol(tap)
        return tap

    # --- connections that rest ---

    def _rested(self) -> Tap | None:
        while self._resting:
            tap = self._resting.pop()
            if tap.open and tap.clean:  # what came while it rested would be taken for the next answer
                return tap
            tap.drop()
        return None

    def rest(self, tap: Tap) -> None:
        """It has nothing to do, until it is asked again or has rested too long."""
        tap.since = self._loop.time()
        self._resting.append(tap)
        if self._tidying is None:
            self._tidying = self._loop.call_later(TIDY_S, self._tidy)

    def _tidy(self) -> None:
        oldest = self._loop.time() - REST_S
        resting = self._resting
        self._resting = [tap for tap in resting if tap.open and tap.since > oldest]
        for tap in set(resting).difference(self._resting):
            tap.drop()
        self._tidying = self._loop.call_later(TIDY_S, self._tidy) if self._resting else None

    async def aclose(self) -> None:
        if self._tidying is not None:
            self._tidying.cancel()
        for tap in self._resting:
            tap.release()
        self._resting.clear()
        await self._connector.close()


def _head(request: aiohttp.ClientRequest) -> bytes:
    """All of it but how deep it is and the length of the body."""
    lines = [f"POST {request.url.raw_path_qs} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items() if name.lower() != "content-length"]
    if not all(line.isprintable() for line in lines):
        raise UsageError("the key of a backend holds a character that no header may hold", hint="correct the key")
    return "\r\n".join([*lines, f"{DEPTH_HEADER}: "]).encode()
