"""bash: one command in the folder, in the sandbox that is in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.contracts import Tool
from fusion_graph.tools._sandbox.levels import Ran
from fusion_graph.tools._site import Site, no_folder


async def _run(arguments: Mapping[str, Any], site: Site) -> str:
    assert site.sandbox is not None
    assert site.workspace is not None
    ran = await site.sandbox.run(arguments["command"], site.workspace.root, seconds=arguments.get("timeout_s"))
    return "\n".join([f"[{site.sandbox.brief}]", ran.output.rstrip("\n") or "(no output)", _told(ran)])


def _told(ran: Ran) -> str:
    how = f"ended: {ran.ended}" if ran.ended else f"exit code {ran.code}"
    left = f", {ran.left} processes left behind were ended" if ran.left else ""
    return f"[{how}, {ran.seconds:.1f} s{left}]"


def _lacks(site: Site) -> str:
    return no_folder(site) or ("" if site.sandbox else site.why)


TOOL = Tool(
    name="bash",
    description=(
        "Run one bash command in the project's folder and get its output and exit code. It is sandboxed: no network"
        " unless the user allowed it, nothing outside the folder but system programs; nothing goes on running after it."
    ),
    parameters={
        "type": "object",
        "properties": {
            "command": {"type": "string", "minLength": 1, "maxLength": 20_000, "description": "What bash shall run."},
            "timeout_s": {"type": "number", "exclusiveMinimum": 0, "maximum": 600, "description": "End it after this."},
        },
        "required": ["command"],
        "additionalProperties": False,
    },
    run=_run,
    lacks=_lacks,
    local=True,
    mutates=True,
)
