"""What tests of tools need: a folder with a few files, a site around it, and a call as an engine makes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from fusion_graph.contracts import Tool
from fusion_graph.graph.structure import problems
from fusion_graph.tools._files.workspace import Workspace
from fusion_graph.tools._site import Site

Call = Callable[..., str]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "app.py").write_text("def main():\n    return 41\n\n\ndef other():\n    return 41\n")
    (folder / "README.md").write_text("# Title\n\nSome words.\n")
    (folder / ".gitignore").write_text("build/\n*.log\n!keep.log\n")
    (folder / "build").mkdir()
    (folder / "build" / "out.py").write_text("main\n")
    (folder / "a.log").write_text("main\n")
    (folder / "keep.log").write_text("main\n")
    return folder


@pytest.fixture
def workspace(root: Path) -> Workspace:
    return Workspace(root)


@pytest.fixture
def site(workspace: Workspace) -> Site:
    return Site(workspace=workspace)


@pytest.fixture
def call(site: Site) -> Call:
    """Run a tool on arguments that fit its schema."""

    def run(tool: Tool, **arguments: Any) -> str:
        assert problems(tool.parameters, arguments) == []
        assert tool.lacks(site) == ""

        async def work() -> str:
            return await _awaited(tool.run(arguments, site))

        return asyncio.run(work())

    return run


async def _awaited(work: Awaitable[str]) -> str:
    return await work
