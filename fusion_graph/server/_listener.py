"""Between sockets and the dispatcher: connections, which are counted by peer and end with a client that takes nothing,
and TLS. aiohttp reads HTTP, stops a client that sends too fast, and ends connections that rest for too long; requests
and answers are ours, as its own cost a good part of what is done for one."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.web_protocol import ERROR, RequestHandler

from fusion_graph.errors import UsageError
from fusion_graph.server._request import Request

if TYPE_CHECKING:
    from aiohttp import StreamReader

    from fusion_graph.server._dispatch import Dispatcher
    from fusion_graph.server._options import ServerOptions


LINGER_S = 2.0  # for the rest of a body that nobody wanted: an end before it would take the answer with it


class _Connection(RequestHandler):
    """One client, whose requests are answered one after the other in one task. What waits for it in memory waits for a
    while, then the connection ends: also a close would wait until the last byte has left."""

    __slots__ = ("_listener", "_waiting", "peer")

    def __init__(self, listener: Listener, **options: Any) -> None:
        super().__init__(listener, **options)
        self._listener = listener
        self.peer = ""
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.peer = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._listener.welcome(self.peer):
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._listener.farewell(self.peer)
        super().connection_lost(exc)
        self._expect_nothing()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Called for every body that was read; there is something to do only after a pause."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    # --- one request after the other ---

    async def start(self) -> None:
        """What aiohttp runs as the connection's task. It is cancelled when the client is gone."""
        try:
            while not (self._close or self._force_close):
                if not self._messages:
                    await self._wait()
                head, body = self._messages.popleft()
                if not await self._serve(head, body):
                    break
                self._rest()
        except ConnectionError:
            pass  # the client is gone, and nothing more may follow what it got
        finally:
            self.force_close()

    async def _wait(self) -> None:
        """For the next request."""
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def _serve(self, head: Any, body: StreamReader) -> bool:
        """Answer one; whether another may follow. What could not be read is an error of aiohttp's in place of a
        head."""
        if whole := body.is_eof():
            self._taken()
            if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
                self._resume_reading_if_drained()
        self._request_in_progress, dispatcher = True, self._listener.dispatcher
        try:
            if isinstance(head, RawRequestMessage):
                request = Request(head, body, self)
                answer = await dispatcher(request)
            else:
                request = Request(ERROR, body, self)
                answer = dispatcher.unreadable(request)
            if answer.body is not None:
                if request.begun:
                    return False  # an error within an answer: that it is cut is all that can still be said
                data = answer.head(request)
                request.send(data if request.method == "HEAD" else data + answer.body)
                await self.drained()
        finally:
            self._request_in_progress = False
            if self._handler_waiter is not None and not self._handler_waiter.done():
                self._handler_waiter.set_result(None)  # the end of the server waits for it
        if not whole:
            if not await _read_off(body):
                return False
            self._taken()
            self._resume_reading_if_drained()
        if self._upgraded and not self._messages:
            self._decline()
        return answer.stays

    def _taken(self) -> None:
        """aiohttp counts a request once its body is complete, and reads no further than so many: taken before, it would
        be counted for ever."""
        if self._parser is not None:
            self._parser.message_consumed()

    def _decline(self) -> None:
        """We go over to no other protocol, so what came behind the request that asked for one is HTTP too."""
        if self._parser is not None:
            self._parser.set_upgraded(False)
            self._upgraded = False
            rest, self._message_tail = self._message_tail, b""
            if self._buffer_paused:
                self._resume_reading_for_buffer()
            self.data_received(rest)

    def _rest(self) -> None:
        """Until the next request, but not for ever."""
        self._next_keepalive_close_time = until = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(until, self._process_keepalive)

    async def drained(self) -> None:
        """Raises ConnectionError for a client that is gone."""
        if self._paused:
            await self._drain_helper()

    # --- a client that does not read ---

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.transport is not None:
            self._expect_reading(self.transport)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.transport is not None:  # else the last byte is waited for
            self._expect_nothing()

    def force_close(self) -> None:
        transport = self.transport  # None if it was closed before
        super().force_close()
        if transport is not None:
            self._expect_reading(transport)

    def _expect_reading(self, transport: asyncio.Transport, before: int = 0) -> None:
        """Look again later, as long as less is left each time."""
        left = transport.get_write_buffer_size()
        self._expect_nothing()
        if not left:
            return
        if before and left >= before:
            transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._waiting = loop.call_later(self._listener.write_s, self._expect_reading, transport, left)

    def _expect_nothing(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


async def _read_off(body: StreamReader) -> bool:
    """What is left of a body; whether it came to its end."""
    with suppress(TimeoutError, web.RequestPayloadError):
        async with asyncio.timeout(LINGER_S):
            while not body.is_eof():
                await body.readany()
    return body.is_eof()


class Listener(web.Server):
    """Makes our connections, and counts them by peer."""

    def __init__(self, dispatcher: Dispatcher, *, most: int, write_s: float, **options: Any) -> None:
        super().__init__(_unused, **options)
        self.dispatcher = dispatcher
        self.write_s = write_s
        self._most = most
        self._peers: Counter[str] = Counter()

    def welcome(self, peer: str) -> bool:
        """False for one too many."""
        self._peers[peer] += 1
        return self._peers[peer] <= self._most

    def farewell(self, peer: str) -> None:
        self._peers[peer] -= 1
        if not self._peers[peer]:
            del self._peers[peer]

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


async def _unused(_request: web.BaseRequest) -> web.StreamResponse:
    """aiohttp asks for a handler of its own requests."""
    raise NotImplementedError


def tls_context(options: ServerOptions) -> ssl.SSLContext | None:
    """TLS 1.2 or later, if the operator gives a certificate."""
    if not options.tls_cert and not options.tls_key:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(options.tls_cert, options.tls_key)
    except OSError:  # also what is no certificate
        raise UsageError(
            "tls_cert and tls_key cannot be read", hint="two files in PEM form that belong together"
        ) from None
    return context


def quiet_logger() -> logging.Logger:
    """aiohttp logs what it cannot read as it came, keys too. Our own log says what there is to say."""
    logger = logging.getLogger("fusion_graph.server.http")
    logger.disabled = True
    return logger
