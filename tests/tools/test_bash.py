from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from fusion_graph.tools._sandbox.confines import Level
from fusion_graph.tools._sandbox.levels import find_sandbox, lacks
from fusion_graph.tools._site import Site
from fusion_graph.tools.bash import TOOL


def test_the_level_in_force_stands_in_every_result(site: Site) -> None:
    sandbox = find_sandbox()
    if sandbox is None:
        pytest.skip(lacks())

    async def run(**arguments: object) -> str:
        return await TOOL.run(arguments, replace(site, sandbox=sandbox))

    told = asyncio.run(run(command="cat README.md; exit 2")).splitlines()
    assert told[0] == f"[sandbox: {sandbox.level}, network off]"
    assert told[1] == "# Title"
    assert told[-1].startswith("[exit code 2, ")
    assert "ended: not finished within 0.2 s" in asyncio.run(run(command="sleep 9", timeout_s=0.2))
    assert "(no output)" in asyncio.run(run(command="true"))


async def test_each_level_is_named_as_what_it_is(site: Site) -> None:
    """One below the best, and none at all: whoever reads the result knows what held."""
    levels: tuple[Level, ...] = ("bubblewrap", "landlock", "none")
    for level in levels:
        sandbox = find_sandbox(best=level, unsafe=True, network=True)
        if sandbox is None or sandbox.level != level:
            continue
        told = (await TOOL.run({"command": "true"}, replace(site, sandbox=sandbox))).splitlines()[0]
        assert level in told
        assert told.endswith("network not confined]" if level == "none" else "network on]")
        assert ("nothing is confined" in told) is (level == "none")


def test_without_a_sandbox_it_is_lacking(site: Site) -> None:
    assert TOOL.lacks(replace(site, why="no sandbox for bash here")) == "no sandbox for bash here"
    assert TOOL.lacks(Site()) == "no folder was opened to tools"
    assert (TOOL.mutates, TOOL.local) == (True, True)
