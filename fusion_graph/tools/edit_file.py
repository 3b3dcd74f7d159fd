"""edit_file: one change in a text file, at a place that is beyond doubt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.contracts import Tool
from fusion_graph.tools._files.edits import edit
from fusion_graph.tools._site import Site, no_folder


async def _run(arguments: Mapping[str, Any], site: Site) -> str:
    assert site.workspace is not None
    path = arguments["path"]
    before = site.workspace.read_text(path)
    after, places, how = edit(before, arguments["old"], arguments["new"], every=arguments.get("every", False))
    site.workspace.write_text(path, after)
    found = "" if how == "exact" else "; the old lines differed in white space only"
    return f"changed {site.workspace.shown(path)} at {places} {'place' if places == 1 else 'places'}{found}"


TOOL = Tool(
    name="edit_file",
    description=(
        "Replace one piece of a text file. old must stand there exactly once, word for word (without line numbers);"
        " give enough lines around the change. Set every to change all places."
    ),
    parameters={
        "type": "object",
        "properties": {
            "path": {"type": "string", "minLength": 1, "description": "Relative to the project's folder."},
            "old": {"type": "string", "minLength": 1, "description": "What stands there now."},
            "new": {"type": "string", "description": "What shall stand there."},
            "every": {"type": "boolean", "description": "Change every place; false."},
        },
        "required": ["path", "old", "new"],
        "additionalProperties": False,
    },
    run=_run,
    lacks=no_folder,
    local=True,
    mutates=True,
)
