"""The tools that runs may use, made ready: whoever starts the program hands them to the engine."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
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
RESERVED = "fusion_"
"""How models know the tools of a server: no client's tool may be called so, and no call of one may reach a client."""
MAX_NAME = 64


def set_apart(box: Toolbox) -> Toolbox:
    """The same tools under names that no client's tool can have; pipelines still list them by their own."""
    return replace(box, tools={name: replace(tool, name=_apart(tool.name)) for name, tool in box.tools.items()})


def _apart(name: str) -> str:
    whole = f"{RESERVED}{name}"
    if len(whole) <= MAX_NAME:
        return whole
    return f"{whole[: MAX_NAME - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
