"""list_files: what lies in a folder, as far down as wanted, without what git ignores."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fusion_graph.contracts import Tool
from fusion_graph.errors import ToolError
from fusion_graph.tools._files.ignore import as_regex
from fusion_graph.tools._files.walk import walk
from fusion_graph.tools._site import Site, no_folder

_MOST = 500


async def _run(arguments: Mapping[str, Any], site: Site) -> str:
    assert site.workspace is not None
    path, depth = arguments.get("path", "."), arguments.get("depth", 3)
    fits = _matcher(arguments.get("pattern", ""))
    lines: list[str] = []
    more = 0
    for found, entry in walk(site.workspace, path, depth=depth):
        if not fits(found):
            continue
        if len(lines) == _MOST:
            more += 1
            continue
        size = (
            f"  {entry.size} bytes" if entry.kind == "file" else f"  ({entry.kind})" if entry.kind != "folder" else ""
        )
        lines.append(f"{found}{'/' if entry.kind == 'folder' else ''}{size}")
    if more:
        lines.append(f"[{more} more; name a folder or a pattern]")
    return "\n".join(lines) or "nothing is there (what .gitignore names is not listed)"


def _matcher(pattern: str) -> Any:
    if not pattern:
        return lambda _path: True
    try:
        regex = re.compile(as_regex(pattern if "/" in pattern else f"**/{pattern}"))
    except re.error:
        raise ToolError(f"{pattern!r} is not a pattern; like *.py or src/**/*.ts") from None
    return regex.fullmatch


TOOL = Tool(
    name="list_files",
    description="List files and folders of the project, without what .gitignore names.",
    parameters={
        "type": "object",
        "properties": {
            "path": {
                "type": "string",
                "description": "A folder, relative to the project's; the whole project if absent.",
            },
            "depth": {"type": "integer", "minimum": 1, "maximum": 20, "description": "How many levels down; 3."},
            "pattern": {"type": "string", "maxLength": 200, "description": "Only these, like *.py or src/**/*.ts."},
        },
        "additionalProperties": False,
    },
    run=_run,
    lacks=no_folder,
    local=True,
)
