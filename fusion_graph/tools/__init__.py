"""The table of tools. One tool, one file that exports TOOL, one line here. A tool's module is imported when it is first
asked for: the table costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusion_graph.contracts import Tool
from fusion_graph.tables import LazyTable
from fusion_graph.toolbox import TOOL_BOUNDS, ToolBounds, Toolbox

if TYPE_CHECKING:
    from fusion_graph.tools._sandbox.levels import Sandbox
    from fusion_graph.tools._site import Convene

_NAMES = (
    *("web_search", "web_fetch", "read_file", "list_files", "search_files"),
    *("write_file", "edit_file", "bash", "council", "finish"),
)


TOOLS: Mapping[str, Tool] = LazyTable(__name__, "TOOL", _NAMES)


def default_registry(
    *,
    search_fn: Callable[..., Any] | None = None,
    keys: Mapping[str, str] | None = None,
    service: str = "",
    blocked: Sequence[str] = (),
    root: str | Path | None = None,
    sandbox: Sandbox | None = None,
    convene: Convene | None = None,
    allow: Sequence[str] | None = None,
    bounds: ToolBounds = TOOL_BOUNDS,
) -> Toolbox:
    """The tools that models may use, made ready.

    `search_fn` takes a query and gives results (maps with title, url and text, or texts), in place of the service that
    `keys` or `service` choose. `root` opens a folder to the file tools, `sandbox` (see `find_sandbox`) a shell in it.
    `allow` names the tools; without it those that touch nothing of this machine.
    """
    named = [name for name in TOOLS if not TOOLS[name].local] if allow is None else allow
    if not named:  # nothing is loaded for tools that nobody may use
        return Toolbox(bounds=bounds, known=tuple(TOOLS))
    from fusion_graph.tools._files.workspace import Workspace
    from fusion_graph.tools._site import Site
    from fusion_graph.tools._web.fetch import Web
    from fusion_graph.tools._web.search import choose, of_function

    site = Site(
        workspace=None if root is None else Workspace(root),
        sandbox=sandbox,
        search=of_function(search_fn) if search_fn else choose(keys or {}, service)[1],
        web=Web(blocked=tuple(blocked)),
        convene=convene,
    )
    return Toolbox(tools={name: TOOLS[name] for name in named}, site=site, bounds=bounds, known=tuple(TOOLS))
