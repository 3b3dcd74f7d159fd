"""A small MCP server made with the SDK, which tests start as a program. `http` serves it at a free port and prints it;
with SHOP_KEY it wants that key, and repeats what it refuses;
`broken` writes a line without an end; `stubborn` does not end when its input does."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from typing import Any

import anyio
import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

SHOP = MCPServer("shop", log_level="ERROR")


@SHOP.tool(annotations=ToolAnnotations(read_only_hint=True))
def price(item: str) -> str:
    """The price of an item."""
    return f"{item} costs 42"


@SHOP.tool()
def environment() -> str:
    return json.dumps({"pid": os.getpid(), **os.environ})


@SHOP.tool()
def die() -> str:
    os._exit(3)


@SHOP.tool()
def refuse() -> str:
    raise ToolError("it is sold out")


@SHOP.tool()
def flood() -> str:
    return "x" * 300_000


@SHOP.tool()
async def wait(path: str) -> str:
    """Say in a file that the call has come, and that it was cancelled."""
    async with await anyio.open_file(path, "a") as stream:
        await stream.write("came\n")
        await stream.flush()
        try:
            await anyio.sleep(1000)
        finally:
            with anyio.CancelScope(shield=True):
                await stream.write("cancelled\n")
    return "late"


@SHOP.tool()
def repeat(text: str) -> str:
    return text


def guarded(app: Any, key: str) -> Any:
    async def guard(scope: Any, receive: Any, send: Any) -> None:
        given = dict(scope.get("headers", ())).get(b"authorization", b"")
        if scope["type"] == "http" and key and given != f"Bearer {key}".encode():
            body = {"jsonrpc": "2.0", "id": 0, "error": {"code": -32001, "message": f"refused: {given.decode()}"}}
            start = {"type": "http.response.start", "headers": [(b"content-type", b"application/json")]}
            await send({**start, "status": 401})
            await send({"type": "http.response.body", "body": json.dumps(body).encode()})
            return
        await app(scope, receive, send)

    return guard


def main() -> None:
    mode = sys.argv[1] if len(sys.argv) > 1 else ""
    if mode == "http":
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        sys.stdout.write(f"http://127.0.0.1:{port}/mcp\n")
        sys.stdout.flush()
        uvicorn.run(guarded(SHOP.streamable_http_app(), os.environ.get("SHOP_KEY", "")), port=port, log_level="error")
    elif mode == "broken":
        os.write(1, b"x" * (5 << 20))
        time.sleep(1000)
    else:
        SHOP.run()
        if mode == "stubborn":
            time.sleep(1000)


if __name__ == "__main__":
    main()
