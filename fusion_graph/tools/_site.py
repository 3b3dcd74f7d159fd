"""What the tools of one process may touch. Who starts the program decides it; no pipeline, request or model does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from fusion_graph.tools._files.workspace import Workspace
from fusion_graph.tools._sandbox.levels import Sandbox
from fusion_graph.tools._web.fetch import Web
from fusion_graph.tools._web.search import Search

Convene: TypeAlias = Callable[[str], Awaitable[str]]
"""A question to a pipeline; its answer, with what it cost, as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """None = not there; `why` says why there is no sandbox."""

    workspace: Workspace | None = None
    sandbox: Sandbox | None = None
    search: Search | None = None
    web: Web | None = None
    convene: Convene | None = None
    why: str = "no sandbox was set up"


def no_folder(site: Site) -> str:
    """Why file tools cannot run there."""
    return "" if site.workspace is not None else "no folder was opened to tools"
