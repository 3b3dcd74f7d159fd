"""Tools of MCP servers: `mcp:server/tool`, as a pipeline lists them. Names, texts and schemas come from strangers: they
are bounded here, and a schema is only shown to the model, as checking against it could be made to hang.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from fusion_graph.contracts import Tool
from fusion_graph.errors import ToolError, UsageError
from fusion_graph.toolbox import McpServer
from fusion_graph.tools._mcp.link import Link

if TYPE_CHECKING:
    from mcp_types import CallToolResult, ContentBlock
    from mcp_types import Tool as Offered

PREFIX = "mcp:"
NAME = re.compile(r"mcp:([a-z][a-z0-9_-]*)/([A-Za-z0-9_./-]{1,128})")
MAX_TOOLS, MAX_PAGES = 128, 16  # of one server
MAX_DESCRIPTION, MAX_SCHEMA, MAX_RESULT = 2_000, 20_000, 200_000  # characters
_WIRE = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Joined(NamedTuple):
    """The tools by the names that pipelines give them, and how to end the servers."""

    tools: Mapping[str, Tool]
    close: Callable[[], Awaitable[None]]


def parts(name: str) -> tuple[str, str]:
    """Server and tool of a name. Raises UsageError."""
    match = NAME.fullmatch(name)
    if match is None:
        raise UsageError(f"{name} names no tool of an MCP server", hint="mcp:server/tool")
    return match[1], match[2]


async def join(servers: Mapping[str, McpServer], wanted: Iterable[str]) -> Joined:
    """Start or reach the servers of these tools and ask each what it offers; `mcp:server/*` means all of one. Raises
    UsageError for what is not there; then nothing is left open."""
    asked: dict[str, list[str]] = {}
    for name in wanted:
        server, tool = (name[len(PREFIX) : -2], "*") if name.endswith("/*") else parts(name)
        asked.setdefault(server, []).append(tool)
    for server in asked:
        if server not in servers:
            hint = f"there are {', '.join(servers)}" if servers else f"[mcp.{server}] in fusiongraph.toml names it"
            raise UsageError(f"there is no MCP server {server}", hint=hint)
    links = [Link(servers[server]) for server in asked]

    async def close() -> None:
        await asyncio.gather(*(link.aclose() for link in links))

    found: dict[str, Tool] = {}
    try:
        for link in links:
            found |= _chosen(link, asked[link.server.name], await _listed(link))
    except ToolError as fault:
        await close()
        raise UsageError(fault.message, hint="correct [mcp] in fusiongraph.toml, or what it starts") from None
    except BaseException:
        await close()
        raise
    return Joined(found, close)


class Offers(NamedTuple):
    """`works`: it is there and says what it offers. `told` says the same to people."""

    works: bool
    told: str


async def offers(server: McpServer) -> Offers:
    """Start or reach it, ask, and end it. Never raises for what it does."""
    link = Link(server)
    try:
        names = list(await _listed(link))
    except ToolError as fault:
        return Offers(False, fault.message.removeprefix(f"the MCP server {server.name} "))
    finally:
        await link.aclose()
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return Offers(True, f"answers, {len(names)} tool{'' if len(names) == 1 else 's'}" + (f": {shown}" if shown else ""))


async def _listed(link: Link) -> Mapping[str, Offered]:
    """What a server offers, of the names that can be written in a pipeline; never more than the bounds."""
    found: dict[str, Offered] = {}
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        tools, cursor = await link.page(cursor)
        for tool in tools:
            if len(found) < MAX_TOOLS and NAME.fullmatch(f"{PREFIX}{link.server.name}/{tool.name}"):
                found.setdefault(tool.name, tool)
        if not cursor or len(found) >= MAX_TOOLS:
            break
    return found


def _chosen(link: Link, names: Iterable[str], offered: Mapping[str, Offered]) -> dict[str, Tool]:
    server = link.server.name
    chosen = {}
    for name in dict.fromkeys(offered if "*" in names else names):
        if name not in offered:
            known = ", ".join(list(offered)[:20]) or "none"
            raise UsageError(f"the MCP server {server} has no tool {name}", hint=f"it has: {known}")
        chosen[f"{PREFIX}{server}/{name}"] = _tool(link, offered[name])
    return chosen


def _tool(link: Link, offered: Offered) -> Tool:
    """It runs alone unless the server says that it only reads: a lie there lets calls overlap, and no more."""
    name = f"{PREFIX}{link.server.name}/{offered.name}"
    schema = offered.input_schema
    try:
        size = len(json.dumps(schema))
    except (RecursionError, ValueError):
        size = MAX_SCHEMA + 1
    if size > MAX_SCHEMA:
        raise UsageError(f"{name}: its schema is longer than {MAX_SCHEMA} characters", hint="leave it out of `tools`")

    async def run(arguments: Mapping[str, Any], _site: Any) -> str:
        try:
            return link.clean(text_of(await link.call(offered.name, arguments)))
        except ToolError as fault:
            raise ToolError(link.clean(fault.message)) from None

    return Tool(
        name=wire_name(link.server.name, offered.name),
        description=link.clean((offered.description or offered.name)[:MAX_DESCRIPTION]),
        parameters=schema,
        run=run,
        local=True,
        mutates=not (offered.annotations and offered.annotations.read_only_hint),
        checked=False,
    )


def wire_name(server: str, tool: str) -> str:
    """What the model calls it: providers take letters, digits, - and _, at most 64. Two tools never share one."""
    plain = f"mcp__{server}__{tool}"
    if _WIRE.fullmatch(plain) and plain.count("__") == 2 and not server.endswith("_") and not tool.startswith("_"):
        return plain
    digest = hashlib.sha256(f"{server}/{tool}".encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', plain)[:54]}__{digest}"


def text_of(result: CallToolResult) -> str:
    """What a call gave, as text; what is no text is named. Raises ToolError when the server says it failed."""
    told = "\n".join(_shown(block) for block in result.content[:MAX_TOOLS])
    if not told and result.structured_content is not None:
        told = json.dumps(result.structured_content, ensure_ascii=False)
    if len(told) > MAX_RESULT:
        told = f"{told[:MAX_RESULT]}\n[... {len(told) - MAX_RESULT} characters cut ...]"
    if result.is_error:
        raise ToolError(told or "the tool failed and did not say why")
    return told or "(nothing)"


def _shown(block: ContentBlock) -> str:
    if block.type == "text":
        return block.text
    if block.type == "resource":
        text = getattr(block.resource, "text", None)
        return text if isinstance(text, str) else f"[{block.resource.uri}: not text, left out]"
    if block.type == "resource_link":
        return f"[{block.name}: {block.uri}]"
    return f"[{block.type}, {block.mime_type}: left out]"
