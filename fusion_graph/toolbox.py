"""The tools that runs may use, made ready: whoever starts the program hands them to the engine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fusion_graph.contracts import Tool


class ToolBounds(NamedTuple):
    """How far one model may go with tools while it writes one text."""

    calls: int = 12
    seconds: float = 120.0
    tokens: int = 100_000  # of all its calls to the model, prompts and replies
    shown: int = 20_000  # characters of one result


TOOL_BOUNDS = ToolBounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class McpServer:
    """An MCP server whose tools models may call: a command to start or an address. `environment`: all that the command
    gets; `key`: what the address is told as a bearer token; `unset`: variables it should have besides and that are not
    set."""

    name: str
    command: tuple[str, ...] = ()
    url: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    key: str = field(default="", repr=False)
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolbox:
    """The tools a run may use by the names that pipelines give them, what they may touch, and how far. The engine only
    hands `site` on, and calls `close` when it is closed itself. `known`: the names of all tools there are."""

    tools: Mapping[str, Tool] = field(default_factory=dict)
    site: Any = None
    bounds: ToolBounds = TOOL_BOUNDS
    known: tuple[str, ...] = ()
    close: Callable[[], Awaitable[None]] | None = None


NO_TOOLS = Toolbox()
