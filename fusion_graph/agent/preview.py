"""What a call that changes something will do, as the user is shown it before: a diff, or the command."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from fusion_graph.errors import ToolError
from fusion_graph.tools._files.edits import edit
from fusion_graph.tools._files.workspace import Workspace

MOST_LINES = 400


def preview(name: str, arguments: Mapping[str, Any], workspace: Workspace) -> str:
    """Raises ToolError when the call cannot succeed: nobody needs to be asked."""
    if name == "write_file":
        path = arguments["path"]
        before = workspace.read_text(path) if workspace.exists(path) else ""
        return diff(workspace.shown(path), before, arguments["content"])
    if name == "edit_file":
        path = arguments["path"]
        before = workspace.read_text(path)
        after, _, _ = edit(before, arguments["old"], arguments["new"], every=arguments.get("every", False))
        return diff(workspace.shown(path), before, after)
    if name == "bash":
        return f"$ {arguments['command']}"
    raise ToolError(f"there is no preview of {name}")


def diff(path: str, before: str, after: str) -> str:
    """A unified diff; a long one is cut, with a note."""
    old, new = before.splitlines(), after.splitlines()
    lines = list(difflib.unified_diff(old, new, f"a/{path}" if before else "/dev/null", f"b/{path}", lineterm=""))
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"[{len(lines) - MOST_LINES} more lines]"]
    return "\n".join(lines) or f"no change in {path}"
