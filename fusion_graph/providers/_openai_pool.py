"""The connections of one backend, and requests over them: everything but the body is made once, and a request is one
write. Connecting, TLS and the reading of answers are aiohttp's; its session, which builds each request anew, is left
out (it costs more than the rest of a call). So there are no redirects, cookies, proxies or netrc here.

Without a cap on connections, because the engine has caps.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from weakref import WeakSet

import aiohttp
from yarl import URL

from fusion_graph.errors import UsageError
from fusion_graph.providers._openai_errors import FOREIGN, is_disconnect

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection

CONNECT_S = 10.0
_STALE_S = 1.0  # a resting connection that was closed shows at once; what breaks later may have been at work
_INTERIM = range(100, 200)


class Answer:
    """An answer whose head is here. To be ended, however it went."""

    __slots__ = ("_connection", "body", "headers", "status")

    def __init__(
        self, connection: Connection, status: int, headers: Mapping[str, str], body: aiohttp.StreamReader
    ) -> None:
        self._connection = connection
        self.status = status
        self.headers = headers
        self.body = body

    def end(self) -> None:
        """The connection goes back to the pool if the answer came to its end, else it is closed."""
        transport = self._connection.transport
        if self.body.is_eof() and transport is not None and not transport.get_write_buffer_size():
            self._connection.release()
        else:
            _drop(self._connection)


class Pool:
    """Must be made inside the event loop."""

    def __init__(self, url: str, headers: Mapping[str, str], now: Callable[[], float] = time.monotonic) -> None:
        """Raises UsageError for a header that cannot be sent."""
        self._request = aiohttp.ClientRequest("POST", URL(url), headers=headers)
        self._head = _head(self._request)
        self._connector = aiohttp.TCPConnector(limit=0, limit_per_host=0, ttl_dns_cache=300)
        self._timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_S)
        self._now = now
        self._used: WeakSet[ResponseHandler] = WeakSet()
        self._bodies: dict[asyncio.Future[None], aiohttp.StreamReader] = {}  # by the end of their connection

    async def post(self, body: bytes) -> Answer:
        """Raises what `before_answer` can tell. A pooled connection that turns out to be closed is no attempt: the
        request goes out on the next one (llama.cpp closes each after a stream and does not say so)."""
        while True:
            began = self._now()
            connection = await self._connect()
            protocol = connection.protocol
            assert protocol is not None
            was_used = protocol in self._used
            self._used.add(protocol)
            try:
                return await self._ask(connection, protocol, body)
            except FOREIGN as error:
                _drop(connection)
                if not (was_used and is_disconnect(error) and self._now() - began < _STALE_S):
                    raise
            except BaseException:
                _drop(connection)
                raise

    async def _connect(self) -> Connection:
        try:
            return await self._connector.connect(self._request, [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error

    async def _ask(self, connection: Connection, protocol: ResponseHandler, body: bytes) -> Answer:
        transport = connection.transport
        if transport is None:
            raise aiohttp.ServerDisconnectedError
        protocol.set_response_params(read_until_eof=True)
        transport.write(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
        message, content = await protocol.read()
        while message.code in _INTERIM and not message.upgrade:
            message, content = await protocol.read()
        if not content.is_eof():
            self._watch(protocol, content)
        return Answer(connection, message.code, message.headers, content)

    def _watch(self, protocol: ResponseHandler, body: aiohttp.StreamReader) -> None:
        """Have the body break off when its connection is gone. aiohttp's C parser closes the connection on a bad chunk
        size and does not tell who waits for the body (seen in 3.14.5)."""
        closed = protocol.closed
        if closed is None:
            _break_off(body)
            return
        if closed not in self._bodies:
            closed.add_done_callback(self._lost)
        self._bodies[closed] = body

    def _lost(self, closed: asyncio.Future[None]) -> None:
        if not closed.cancelled():
            closed.exception()  # looked at, so that asyncio does not report it
        _break_off(self._bodies.pop(closed))

    async def aclose(self) -> None:
        await self._connector.close()


def _head(request: aiohttp.ClientRequest) -> bytes:
    """All of it but the length of the body."""
    lines = [f"POST {request.url.raw_path_qs} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items() if name.lower() != "content-length"]
    if not all(line.isprintable() for line in lines):
        raise UsageError("the key of a backend holds a character that no header may hold", hint="correct the key")
    return "\r\n".join([*lines, "Content-Length: "]).encode()


def _drop(connection: Connection) -> None:
    """Closed at once: what was not sent yet is not sent any more."""
    if connection.transport is not None:
        connection.transport.abort()
    connection.close()


def _break_off(body: aiohttp.StreamReader) -> None:
    if not body.is_eof() and body.exception() is None:
        body.set_exception(aiohttp.ClientPayloadError("the connection is gone"))
