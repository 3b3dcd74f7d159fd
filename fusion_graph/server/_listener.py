"""Between sockets and the dispatcher: connections that are counted by peer and do not echo what they
cannot read, and TLS. HTTP itself is aiohttp's."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import Counter
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from fusion_graph.errors import UsageError
from fusion_graph.server._errors import Refused
from fusion_graph.server._wires.errors import chat

if TYPE_CHECKING:
    from fusion_graph.server._options import ServerOptions


class _Connection(RequestHandler):
    """One client. What is no HTTP at all gets our kind of error, without a word of what was sent."""

    __slots__ = ("_listener", "_peer")

    def __init__(self, listener: Listener, **options: Any) -> None:
        super().__init__(listener, **options)
        self._listener = listener
        self._peer = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._peer = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._listener.welcome(self._peer):
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._listener.farewell(self._peer)
        super().connection_lost(exc)

    def handle_error(self, *_args: Any, **_kwargs: Any) -> web.StreamResponse:
        refused = Refused(400, "invalid_request_error", "this is not a valid HTTP request", code="bad_http")
        response = refused.response(chat, "")
        response.force_close()
        return response


class Listener(web.Server):
    """Makes our connections, and counts them by peer."""

    def __init__(self, handler: Any, *, most: int, **options: Any) -> None:
        super().__init__(handler, **options)
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
