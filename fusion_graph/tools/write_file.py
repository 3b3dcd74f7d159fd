"""write_file: a new file, or another text for a whole one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.contracts import Tool
from fusion_graph.tools._site import Site, no_folder


async def _run(arguments: Mapping[str, Any], site: Site) -> str:
    assert site.workspace is not None
    path, content = arguments["path"], arguments["content"]
    was_there = site.workspace.exists(path)
    site.workspace.write_text(path, content)
    lines = len(content.splitlines())
    return f"{'replaced' if was_there else 'made'} {site.workspace.shown(path)}, {lines} lines"


TOOL = Tool(
    name="write_file",
    description="Write a whole text file; its folders are made. To change a part of a file, use edit_file.",
    parameters={
        "type": "object",
        "properties": {
            "path": {"type": "string", "minLength": 1, "description": "Relative to the project's folder."},
            "content": {"type": "string", "description": "The whole new text."},
        },
        "required": ["path", "content"],
        "additionalProperties": False,
    },
    run=_run,
    lacks=no_folder,
    local=True,
    mutates=True,
)
