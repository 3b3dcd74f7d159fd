"""An upstream by hand: answers each request with bytes that no HTTP library would send. And short words for calls."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from fusion_graph.messages import Call, Delta, Message, Sampling
from fusion_graph.providers._sim.faults import FAULTS, PREFIX

KEY = "canary-7f3a9c"
TIMEOUTS = {name for name, fault in FAULTS.items() if fault.reason.startswith("timeout")}


def asking(model: str = "a/x", sampling: Sampling | None = None) -> Call:
    return Call(model, (Message("user", "What is 6 times 7?"),), sampling or Sampling())


def faulty(name: str) -> Call:
    """A call that gets the fault, with tools where the fault is in tool calls that were asked for."""
    tool = {"type": "function", "function": {"name": "look_up"}}
    tools = (tool,) if name.startswith("tools") and name != "tools-unasked" else ()
    return asking(PREFIX + name, Sampling(max_tokens=20, tools=tools))


def ignore(_delta: Delta) -> None:
    """A sink for tests that do not look at the pieces."""


def http(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Type: application/json", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def raw_server(
    answer: Callable[[asyncio.StreamWriter], Awaitable[None]], heads: list[bytes] | None = None
) -> AsyncIterator[str]:
    """Answers each request on each connection with whatever `answer` writes. Leaves no connection behind, which would
    be found in some later test."""
    accepted: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                if heads is not None:
                    heads.append(head)
                await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
                await answer(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()
        for writer in accepted:
            writer.transport.abort()
        await server.wait_closed()
        for _ in range(10):  # a connection that was dropped is told so by the loop, and closed then
            await asyncio.sleep(0)
