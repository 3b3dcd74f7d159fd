"""Which tools the runs of one program may use: what a command line allows, made ready with what the settings say.

A tool that touches nothing of this machine (a search, a page) is allowed as soon as a pipeline lists it. Every other
one must be allowed by name by whoever starts the program: a pipeline may have been downloaded.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fusion_graph.engine.tooled import check_tools
from fusion_graph.errors import UsageError
from fusion_graph.toolbox import NO_TOOLS, Toolbox
from fusion_graph.tools import TOOLS, default_registry

if TYPE_CHECKING:
    from fusion_graph.graph.binding import Bound
    from fusion_graph.settings import Settings
    from fusion_graph.tools._site import Convene

ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What the command line says. `names` as given: names, or `all`."""

    names: tuple[str, ...] = ()
    root: str = "."
    unsafe_bash: bool = False
    network: bool = False


def toolbox_for(bound: Bound, settings: Settings, allowed: Allowed) -> Toolbox:
    """What this pipeline may use; nothing is set up for one that lists no tools. Raises UsageError for a tool that is
    not allowed, or cannot run here."""
    if not bound.tooled:
        return NO_TOOLS
    box = toolbox(settings, allowed)
    check_tools(bound, box)
    return box


def toolbox(settings: Settings, allowed: Allowed, *, convene: Convene | None = None) -> Toolbox:
    """Raises UsageError for a name there is not, and where bash is allowed but nothing can confine it."""
    names = _names(allowed.names)
    local = any(TOOLS[name].local for name in names)
    sandbox = None
    if "bash" in names:
        from fusion_graph.tools._sandbox import require_sandbox

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


def server_toolbox(settings: Settings, names: Sequence[str]) -> Toolbox:
    """What a server's pipelines may use: only what its operator allows, and nothing of the machine, as strangers ask.
    Raises UsageError."""
    words = [word for text in names for word in text.split(",")]
    meant = [name for name in _names(tuple(names)) if name in words or (ALL in words and _is_open(name))]
    local = [name for name in meant if TOOLS[name].local]
    if local:
        raise UsageError(
            f"--allow-tools {', '.join(local)}: a server does not open its machine to strangers",
            hint="tools of the web only; run, chat and code have the others",
        )
    return default_registry(
        keys=settings.search_keys, service=settings.search, blocked=settings.blocked_domains, allow=meant
    )


def _names(given: tuple[str, ...]) -> list[str]:
    """The tools meant: those of the web always, `all`, or names, perhaps with commas between."""
    words = [word for text in given for word in text.split(",") if word]
    for word in words:
        if word != ALL and word not in TOOLS:
            near = difflib.get_close_matches(word, TOOLS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(TOOLS)}"
            raise UsageError(f"there is no tool {word}", hint=hint)
    return [name for name in TOOLS if ALL in words or name in words or _is_open(name)]


def _is_open(name: str) -> bool:
    return not TOOLS[name].local and name not in ("council", "finish")
