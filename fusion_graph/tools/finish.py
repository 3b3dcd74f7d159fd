"""finish: an agent says that its task is done, and how it knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.contracts import Tool


async def _run(arguments: Mapping[str, Any], _site: Any) -> str:
    return f"{arguments['summary']}\n\nVerified: {arguments['verified']}"


TOOL = Tool(
    name="finish",
    description="Say that the task is done, or that it cannot be done. Call it once, as the last thing.",
    parameters={
        "type": "object",
        "properties": {
            "summary": {
                "type": "string",
                "minLength": 1,
                "maxLength": 8000,
                "description": "What was done, for the user.",
            },
            "verified": {
                "type": "string",
                "minLength": 1,
                "maxLength": 4000,
                "description": "How you know that it works; what you did not check.",
            },
        },
        "required": ["summary", "verified"],
        "additionalProperties": False,
    },
    run=_run,
    ends=True,
)
