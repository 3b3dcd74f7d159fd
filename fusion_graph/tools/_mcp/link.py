"""A connection to one MCP server: opened when it is first needed, again after the server died, and ended with the run.

The SDK's scopes must be left by the task that entered them, so a task of its own holds each connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from fusion_graph.errors import ToolError
from fusion_graph.toolbox import McpServer

if TYPE_CHECKING:
    from mcp.client import Client
    from mcp_types import CallToolResult
    from mcp_types import Tool as Offered

OPEN_S = 20.0
CALL_S = 60.0
CLOSE_S = 5.0
_TOLD = 500


class Link:
    """Safe for many calls at once. Every failure is a ToolError that names the server."""

    def __init__(self, server: McpServer, *, open_s: float = OPEN_S, call_s: float = CALL_S) -> None:
        self.server = server
        self._open_s = open_s
        self._call_s = call_s
        self._holder: asyncio.Task[None] | None = None
        self._client: asyncio.Future[Client] | None = None
        self._over = asyncio.Event()

    async def page(self, cursor: str | None) -> tuple[Sequence[Offered], str | None]:
        """One page of what it offers, and where the next one begins."""
        result = await self._ask(lambda client: client.list_tools(cursor=cursor), self._open_s)
        return result.tools, result.next_cursor

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> CallToolResult:
        result: CallToolResult = await self._ask(lambda client: client.call_tool(tool, dict(arguments)), self._call_s)
        return result

    def clean(self, text: str) -> str:
        """What it said, without the key that it was told: some servers repeat what they refuse."""
        return text.replace(self.server.key, "***") if self.server.key else text

    async def aclose(self) -> None:
        """End the connection, and the server where we started it."""
        holder, self._holder, self._client = self._holder, None, None
        self._over.set()
        if holder is not None:
            await asyncio.wait([holder], timeout=CLOSE_S)
            holder.cancel()

    async def _ask(self, what: Any, seconds: float) -> Any:
        who = f"the MCP server {self.server.name}"
        client = await self._open(who)  # where the SDK is not installed, this says so
        from mcp import MCPError

        try:
            async with asyncio.timeout(seconds):
                return await what(client)
        except TimeoutError:
            raise ToolError(f"{who} did not answer within {seconds:g} s") from None
        except MCPError as fault:
            raise ToolError(f"{who}: {self.clean(fault.message[:_TOLD])}") from None
        except Exception as fault:  # noqa: BLE001  (whatever a stranger's answer made of the SDK)
            raise ToolError(f"{who} gave an answer that cannot be read ({type(fault).__name__})") from None

    async def _open(self, who: str) -> Client:
        if self._holder is None or self._holder.done() or self._over.is_set():
            self._over = asyncio.Event()
            self._client = asyncio.get_running_loop().create_future()
            self._holder = asyncio.create_task(self._hold(self._client, self._over))
        assert self._client is not None
        try:
            async with asyncio.timeout(self._open_s):
                return await asyncio.shield(self._client)
        except TimeoutError:
            self._over.set()
            if self._holder is not None:
                self._holder.cancel()
            raise ToolError(f"{who} was not ready within {self._open_s:g} s") from None

    async def _hold(self, ready: asyncio.Future[Client], over: asyncio.Event) -> None:
        who = f"the MCP server {self.server.name}"
        last_words: list[str] = []
        try:
            async with AsyncExitStack() as stack:
                client = await stack.enter_async_context(await self._connect(stack, over, last_words))
                if not ready.done():
                    ready.set_result(client)
                await over.wait()
        except Exception as fault:  # noqa: BLE001  (a group of whatever went wrong in the SDK's tasks)
            if not ready.done():
                ready.set_exception(
                    ToolError(f"{who} cannot be used: {self.clean(_reason(fault))}{_words(last_words)}")
                )
        finally:
            over.set()
            if not ready.done():
                ready.set_exception(ToolError(f"{who} ended before it was ready{_words(last_words)}"))
            if not ready.cancelled():
                ready.exception()  # whoever waited may have left

    async def _connect(self, stack: AsyncExitStack, over: asyncio.Event, last_words: list[str]) -> Client:
        try:
            import mcp_types
            from mcp.client import Client
            from mcp.client.streamable_http import streamable_http_client
        except ImportError:
            raise ToolError("the MCP SDK is not installed: pip install 'fusion-graph[mcp]'") from None
        from fusion_graph.tools._mcp.pipe import pipe
        from fusion_graph.tools._mcp.web import bounded_client

        if self.server.url:
            if self.server.unset:
                raise ToolError(f"{self.server.unset[0]} is not set, which its `api_key_env` names")
            http = await stack.enter_async_context(bounded_client(self._call_s, self.server.key))
            transport = streamable_http_client(self.server.url, http_client=http)
        else:
            transport = pipe(self.server, over, last_words)
        info = mcp_types.Implementation(name="fusion_graph", version="1")
        return Client(transport, client_info=info, cache=None, read_timeout_seconds=self._call_s)


def _reason(fault: BaseException) -> str:
    while isinstance(fault, BaseExceptionGroup) and fault.exceptions:
        fault = fault.exceptions[0]
    return fault.message if isinstance(fault, ToolError) else (str(fault) or type(fault).__name__)[:_TOLD]


def _words(lines: list[str]) -> str:
    """The end of what it wrote to standard error."""
    told = " ".join("".join(lines).split())
    return f"; it said: {told[-_TOLD:]}" if told else ""
