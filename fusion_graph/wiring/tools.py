"""Which tools the runs of one program may use: what a command line allows, made ready with what the settings say.

A tool that touches nothing of this machine (a search, a page) is allowed as soon as a pipeline lists it. Every other
one must be allowed by name by whoever starts the program: a pipeline may have been downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fusion_graph.engine.tooled import check_tools
from fusion_graph.errors import UsageError
from fusion_graph.toolbox import NO_TOOLS, Toolbox, set_apart
from fusion_graph.tools import TOOLS, default_registry

if TYPE_CHECKING:
    from fusion_graph.contracts import Tool
    from fusion_graph.graph.bound import Bound
    from fusion_graph.settings import Settings
    from fusion_graph.tools._site import Convene

ALL = "all"
PREFIX = "mcp:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What the command line says. `names` as given: names, or `all`."""

    names: tuple[str, ...] = ()
    root: str = "."
    unsafe_bash: bool = False
    network: bool = False


async def toolbox_for(bound: Bound, settings: Settings, allowed: Allowed) -> Toolbox:
    """What this pipeline may use; nothing is set up for one that lists no tools. Raises UsageError for a tool that is
    not allowed, or cannot run here. Whoever gets it closes it, as an engine does."""
    if not bound.tooled:
        return NO_TOOLS
    listed = dict.fromkeys(name for names in bound.tooled.values() for name in names)
    permitted = mcp_words(allowed.names)
    strange = [name for name in listed if name.startswith(PREFIX)]
    wanted = [name for name in strange if name in permitted or name.partition("/")[0] in permitted]
    box = toolbox(settings, replace(allowed, names=_own_words(allowed.names)))
    check_tools(bound, replace(box, tools=_standing_in(box, wanted), known=(*box.known, *strange)))
    return await with_mcp(box, settings, wanted)


async def with_mcp(box: Toolbox, settings: Settings, wanted: Sequence[str]) -> Toolbox:
    """The box with these tools of MCP servers, which are started or reached now. Raises UsageError."""
    if not wanted:
        return box
    from fusion_graph.tools._mcp.tools import join

    joined = await join(settings.mcp, wanted)
    tools = {**box.tools, **joined.tools}
    return replace(box, tools=tools, known=tuple(dict.fromkeys((*box.known, *tools))), close=joined.close)


def _standing_in(box: Toolbox, wanted: Sequence[str]) -> dict[str, Tool]:
    """As if they were there, so that what is forbidden is found before any server is started."""
    return {**box.tools, **dict.fromkeys(wanted, TOOLS["finish"])}


def mcp_words(given: Sequence[str]) -> set[str]:
    """The MCP tools that a command line allows: `mcp:server/tool`, or `mcp:server` for all of one. `all` is none of
    them: a file in a folder that was downloaded may name any program as a server."""
    return {word for text in given for word in text.split(",") if word.startswith(PREFIX)}


def mcp_listed(given: Sequence[str]) -> list[str]:
    """The same as tools to list: all of a server is `mcp:server/*`."""
    return [word if "/" in word else f"{word}/*" for word in sorted(mcp_words(given))]


def _own_words(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for text in given for word in text.split(",") if word and not word.startswith(PREFIX))


def toolbox(settings: Settings, allowed: Allowed, *, convene: Convene | None = None) -> Toolbox:
    """Raises UsageError for a name there is not, and where bash is allowed but nothing can confine it."""
    names = _names(allowed.names)
    local = any(TOOLS[name].local for name in names)
    sandbox = None
    if "bash" in names:
        from fusion_graph.tools._sandbox.levels import require_sandbox

        sandbox = require_sandbox(unsafe=allowed.unsafe_bash, network=allowed.network)
    return default_registry(
        keys=settings.search_keys,
        service=settings.search,
        blocked=settings.blocked_domains,
        root=Path(allowed.root) if local else None,
        sandbox=sandbox,
        convene=convene,
        allow=names,
    )


async def server_toolbox(settings: Settings, names: Sequence[str]) -> Toolbox:
    """What a server's pipelines may use: only what its operator allows, and nothing of the machine, as strangers ask.
    Tools of MCP servers, which are named one by one, it may allow as well. Models know them by reserved names.
    Raises UsageError."""
    strange = mcp_listed(names)
    words = _own_words(names)
    meant = [name for name in _known(words) if name in words or (ALL in words and _is_open(name))]
    local = [name for name in meant if TOOLS[name].local]
    if local:
        raise UsageError(
            f"--allow-tools {', '.join(local)}: a server does not open its machine to strangers",
            hint="tools of the web only; run, chat and code have the others",
        )
    box = default_registry(
        keys=settings.search_keys, service=settings.search, blocked=settings.blocked_domains, allow=meant
    )
    return set_apart(await with_mcp(box, settings, strange))


def _names(given: tuple[str, ...]) -> list[str]:
    """The tools meant: those of the web always, `all`, or names, perhaps with commas between."""
    words = [word for text in given for word in text.split(",") if word]
    return [name for name in _known(words) if ALL in words or name in words or _is_open(name)]


def _known(words: Sequence[str]) -> Sequence[str]:
    """All tools there are. Raises UsageError for a word that is none."""
    for word in words:
        if word != ALL and word not in TOOLS:
            import difflib

            near = difflib.get_close_matches(word, TOOLS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(TOOLS)}"
            raise UsageError(f"there is no tool {word}", hint=hint)
    return tuple(TOOLS)


def _is_open(name: str) -> bool:
    return not TOOLS[name].local and name not in ("council", "finish")
