"""read_file: a text file of the folder, with line numbers, whole or in part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.contracts import Tool
from fusion_graph.errors import ToolError
from fusion_graph.tools._site import Site, no_folder

_LINES = 800
_WIDTH = 1000


async def _run(arguments: Mapping[str, Any], site: Site) -> str:
    assert site.workspace is not None
    path = arguments["path"]
    lines = site.workspace.read_text(path).splitlines()
    if not lines:
        return f"{site.workspace.shown(path)} is empty"
    start = arguments.get("start", 1)
    end = min(arguments.get("end", start + _LINES - 1), len(lines), start + 4 * _LINES)
    if start > len(lines):
        raise ToolError(f"{path} has {len(lines)} lines")
    if end < start:
        raise ToolError(f"end ({arguments['end']}) comes before start ({start})")
    shown = [f"{number:>6}  {_fit(lines[number - 1])}" for number in range(start, end + 1)]
    head = f"{site.workspace.shown(path)}, lines {start} to {end} of {len(lines)}"
    return "\n".join([head, *shown])


def _fit(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH]} [... {len(line) - _WIDTH} characters cut ...]"


TOOL = Tool(
    name="read_file",
    description="Read a text file of the project. Lines are numbered; the numbers are not part of the file.",
    parameters={
        "type": "object",
        "properties": {
            "path": {"type": "string", "minLength": 1, "description": "Relative to the project's folder."},
            "start": {"type": "integer", "minimum": 1, "description": "First line; 1."},
            "end": {"type": "integer", "minimum": 1, "description": f"Last line; {_LINES} lines are read if absent."},
        },
        "required": ["path"],
        "additionalProperties": False,
    },
    run=_run,
    lacks=no_folder,
    local=True,
)
