from __future__ import annotations

import asyncio

from fusion_graph.tools._site import Site
from fusion_graph.tools.council import TOOL


async def _echo(question: str) -> str:
    return f"[{question}]"


def test_question_and_context_go_to_the_pipeline() -> None:
    async def run() -> str:
        return await TOOL.run({"question": "Why?", "context": "code"}, Site(convene=_echo))

    assert asyncio.run(run()) == "[Why?\n\ncode]"
    assert TOOL.lacks(Site()) == "no council was set up here"
