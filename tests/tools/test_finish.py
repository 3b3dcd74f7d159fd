from __future__ import annotations

import asyncio

from fusion_graph.tools.finish import TOOL


def test_what_was_done_and_how_one_knows() -> None:
    async def run() -> str:
        return await TOOL.run({"summary": "Done.", "verified": "tests pass"}, None)

    assert asyncio.run(run()) == "Done.\n\nVerified: tests pass"
    assert TOOL.ends
