"""Between sockets and the dispatcher: connections that are counted by peer, do not echo what they cannot read and end
with a client that takes nothing, and TLS. HTTP itself is aiohttp's."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from fusion_graph.errors import UsageError

if TYPE_CHECKING:
    from fusion_graph.server._dispatch import Dispatcher
    from fusion_graph.server._options import ServerOptions


class _Connection(RequestHandler):
    """One client. What waits for it in memory waits for a while, then the connection ends: also a close would wait
    until the last byte has left."""

    __slots__ = ("_listener", "_peer", "_waiting")

    def __init__(self, listener: Listener, **options: Any) -> None:
        super().__init__(listener, **options)
        self._listener = listener
        self._peer = ""
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._peer = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._listener.welcome(self._peer):
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._listener.farewell(self._peer)
        super().connection_lost(exc)
        self._expect_nothing()

    def handle_error(self, request: web.BaseRequest, status: int = 500, *_args: Any, **_kwargs: Any) -> web.Response:
        """For what cannot be read; else the client of a request is gone, and nothing more may follow what it got."""
        if status != HTTPStatus.BAD_REQUEST:
            raise ConnectionResetError
        return self._listener.dispatcher.unreadable(request)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Called for every body that was read; there is something to do only after a pause."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    # --- a client that does not read ---

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_reading(self.transport)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._expect_nothing()

    def force_close(self) -> None:
        transport = self.transport
        super().force_close()
        self._expect_reading(transport)

    async def start(self) -> None:
        await super().start()
        self._expect_reading(self.transport)

    def _expect_reading(self, transport: asyncio.Transport | None, before: int = 0) -> None:
        """Look again later, as long as less is left each time."""
        left = 0 if transport is None else transport.get_write_buffer_size()
        self._expect_nothing()
        if transport is None or not left:
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


class Listener(web.Server):
    """Makes our connections, and counts them by peer."""

    def __init__(self, dispatcher: Dispatcher, *, most: int, write_s: float, **options: Any) -> None:
        super().__init__(dispatcher, **options)
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
