"""An MCP server as a child process: a clean environment, a group of its own that is killed with the connection, and
lines of bounded length. The SDK's own transport keeps a line of any length and lets a server live on for seconds.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias

from fusion_graph.errors import ToolError
from fusion_graph.toolbox import McpServer

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

    Pipe: TypeAlias = AbstractAsyncContextManager[TransportStreams]

MAX_LINE = 4 << 20
GRACE_S = 0.2
KEPT = 2_000  # of what it writes to standard error


@asynccontextmanager
async def pipe(server: McpServer, over: asyncio.Event, last_words: list[str]) -> AsyncIterator[TransportStreams]:
    """Start it. `over` is set when it ends or breaks the rules; `last_words` gets what it complains of."""
    import anyio
    from mcp.shared.message import SessionMessage
    from mcp_types import jsonrpc_message_adapter

    child = await _start(server)
    to_us, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, from_us = anyio.create_memory_object_stream[SessionMessage](0)
    assert child.stdout is not None
    assert child.stdin is not None
    reader, writer = child.stdout, child.stdin

    async def read() -> None:
        """A line that is none of the protocol is skipped, as servers print; one without an end is the end."""
        async with to_us:
            with suppress(ValueError, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                while line := await reader.readline():
                    try:
                        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
                    except ValueError:
                        continue
                    await to_us.send(SessionMessage(message))
        over.set()

    async def write() -> None:
        async with from_us:
            with suppress(OSError):
                async for sent in from_us:
                    writer.write(sent.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                    await writer.drain()
        over.set()

    tasks = [asyncio.create_task(work) for work in (read(), write(), _listen(child, last_words))]
    try:
        yield incoming, outgoing
    finally:
        over.set()
        incoming.close()
        outgoing.close()
        await _end(child, tasks)


async def _start(server: McpServer) -> asyncio.subprocess.Process:
    if server.unset:
        raise ToolError(f"{', '.join(server.unset)} is not set, which its `env` names")
    try:
        return await asyncio.create_subprocess_exec(
            *server.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(server.environment),
            start_new_session=True,
            limit=MAX_LINE,
        )
    except (OSError, ValueError) as fault:
        raise ToolError(f"{server.command[0]} cannot be started: {getattr(fault, 'strerror', None) or fault}") from None


async def _listen(child: asyncio.subprocess.Process, last_words: list[str]) -> None:
    """Read what it complains of, so that it never waits for us, and keep the end."""
    assert child.stderr is not None
    kept = ""
    while piece := await child.stderr.read(4096):
        kept = (kept + piece.decode("utf-8", "replace"))[-KEPT:]
        last_words[:] = [kept]


async def _end(child: asyncio.subprocess.Process, tasks: list[asyncio.Task[None]]) -> None:
    """Close its input, wait a moment, kill its group. Nothing here takes long, whoever holds its pipes."""
    assert child.stdin is not None
    child.stdin.close()
    exited = asyncio.ensure_future(child.wait())
    try:
        await asyncio.wait([exited], timeout=GRACE_S)
    finally:
        with suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        child._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001  (there is no public way to let go of its pipes)
        for task in tasks:
            task.cancel()
    await asyncio.wait([exited, *tasks])
