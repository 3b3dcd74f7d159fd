"""The pool of connections of one backend: without a cap, because the engine has caps, and knowing which are not new."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING
from weakref import WeakSet

import aiohttp

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

_REUSED: ContextVar[bool] = ContextVar("reused", default=False)


class Pool(aiohttp.TCPConnector):
    """Must be made inside the event loop."""

    def __init__(self) -> None:
        super().__init__(limit=0, limit_per_host=0, ttl_dns_cache=300)
        self._known: WeakSet[ResponseHandler] = WeakSet()

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the method that it overrides has it
    ) -> Connection:
        _REUSED.set(False)
        connection = await super().connect(req, traces, timeout)
        if connection.protocol is not None:
            _REUSED.set(connection.protocol in self._known)
            self._known.add(connection.protocol)
        return connection


def was_reused() -> bool:
    """Had the connection that this task got last been used before?"""
    return _REUSED.get()
