"""council: a whole pipeline on one hard question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.contracts import Tool
from fusion_graph.tools._site import Site


async def _run(arguments: Mapping[str, Any], site: Site) -> str:
    assert site.convene is not None
    context = arguments.get("context", "")
    return await site.convene(arguments["question"] + (f"\n\n{context}" if context else ""))


TOOL = Tool(
    name="council",
    description=(
        "Ask a panel of several models one hard question and get their joint answer. It costs more than a thought of"
        " yours: use it for decisions you are unsure of. It sees only what you write here."
    ),
    parameters={
        "type": "object",
        "properties": {
            "question": {"type": "string", "minLength": 1, "maxLength": 20_000, "description": "The whole question."},
            "context": {"type": "string", "maxLength": 60_000, "description": "Code or facts that it needs."},
        },
        "required": ["question"],
        "additionalProperties": False,
    },
    run=_run,
    lacks=lambda site: "" if site.convene else "no council was set up here",
)
