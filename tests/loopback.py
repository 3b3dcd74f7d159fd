"""A web server of a test's own on loopback, and a port for one that is a process."""

from __future__ import annotations

import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

BELOW_OUTGOING = range(20_000, 32_000)
"""Ports that no system gives to an outgoing connection, which could take one between its choice and its use."""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handlers: Mapping[str, Handler], host: str = "127.0.0.1") -> AsyncIterator[str]:
    """The address of a server that answers on these paths."""
    app = web.Application()
    for path, handler in handlers.items():
        app.router.add_route("*", path, handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, host, 0).start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def free_port() -> int:
    """One that nobody has just now."""
    while True:
        port = random.choice(BELOW_OUTGOING)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


FAILURES = (b'data: {"error"', b"event: error\n", b"event: response.failed\n")
"""How the last event of a failed stream begins, by wire."""


async def read_stream(response: aiohttp.ClientResponse, begun: str = "") -> str:
    """All of a stream of ours that `begun` is read of. It must break off behind a failure and only there: its end would
    be a clean one."""
    data, cut = begun.encode(), False
    try:
        async for piece in response.content.iter_any():
            data += piece
    except aiohttp.ClientPayloadError:
        cut = True
    last = data.strip(b"\n").rpartition(b"\n\n")[2]
    assert cut == last.startswith(FAILURES), data[-500:]
    return data.decode()
