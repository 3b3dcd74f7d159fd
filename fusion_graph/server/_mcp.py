"""The Model Context Protocol on standard streams or over HTTP. On the streams nothing but the protocol goes out: the
SDK keeps standard output for itself. Over HTTP strangers find no door: loopback only, or a key."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from mcp.server import Server
from mcp.server.stdio import stdio_server

from fusion_graph import __version__
from fusion_graph.errors import UsageError
from fusion_graph.listening import cannot_listen
from fusion_graph.server._auth import Keys
from fusion_graph.server._errors import Refused
from fusion_graph.server._mcp_desk import Desk
from fusion_graph.server._options import is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/mcp"


def mcp_server(desk: Desk) -> Server[Any]:
    return Server(
        "fusion_graph",
        version=__version__,
        instructions="Each tool asks a panel of language models and returns one answer. It may cost money.",
        on_list_tools=desk.listed,
        on_call_tool=desk.called,
    )


async def serve_streams(desk: Desk) -> None:
    """Until standard input ends."""
    server = mcp_server(desk)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


async def serve_http(desk: Desk, *, host: str, port: int, keys: Keys, ready: Callable[[str], None]) -> None:
    """Until cancelled. `ready` is told the address. Raises UsageError."""
    if not is_loopback(host) and not len(keys):
        raise UsageError(f"{host} can be reached from elsewhere and no key is set", hint="set FUSION_SERVER_KEYS")
    app = _guarded(mcp_server(desk).streamable_http_app(streamable_http_path=PATH, host=host), keys)
    with _listening(host, port) as listener:
        name = f"[{host}]" if ":" in host else host
        ready(f"http://{name}:{listener.getsockname()[1]}{PATH}")
        server = _Quiet(
            uvicorn.Config(app, log_config=None, log_level="critical", timeout_graceful_shutdown=0, ws="none")
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            await serving


class _Quiet(uvicorn.Server):
    """The signals stay ours."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as fault:
        raise cannot_listen(host, port, fault, option="--http") from None
    with listener:
        yield listener


def _guarded(app: ASGIApp, keys: Keys) -> ASGIApp:
    """The app, for those who have a key if there are any."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not _may(scope, keys):
            headers = [(b"content-type", b"text/plain"), (b"www-authenticate", b"Bearer")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": b"the key is missing or unknown\n"})
            return
        await app(scope, receive, send)

    return guard


def _may(scope: MutableMapping[str, Any], keys: Keys) -> bool:
    names = {b"authorization": "Authorization", b"x-api-key": "x-api-key"}
    given = {names[name]: value.decode("latin-1") for name, value in scope["headers"] if name in names}
    try:
        keys.find(given)
    except Refused:
        return False
    return True
