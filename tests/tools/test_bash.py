from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from fusion_graph.tools._sandbox import find_sandbox, lacks
from fusion_graph.tools._site import Site
from fusion_graph.tools.bash import TOOL


def test_the_level_in_force_stands_in_every_result(site: Site) -> None:
    sandbox = find_sandbox()
    if sandbox is None:
        pytest.skip(lacks())

    async def run(**arguments: object) -> str:
        return await TOOL.run(arguments, replace(site, sandbox=sandbox))

    told = asyncio.run(run(command="cat README.md; exit 2")).splitlines()
    assert told[0].startswith(f"[{sandbox.level} (")
    assert told[1] == "# Title"
    assert told[-1].startswith("[exit code 2, ")
    assert "ended: not finished within 0.2 s" in asyncio.run(run(command="sleep 9", timeout_s=0.2))
    assert "(no output)" in asyncio.run(run(command="true"))


def test_without_a_sandbox_it_is_lacking(site: Site) -> None:
    assert TOOL.lacks(replace(site, why="no sandbox for bash here")) == "no sandbox for bash here"
    assert TOOL.lacks(Site()) == "no folder was opened to tools"
    assert (TOOL.mutates, TOOL.local) == (True, True)
