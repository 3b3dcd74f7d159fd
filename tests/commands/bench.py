"""A scripted engineer behind a real socket, and `fusiongraph code` with it as its brain."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fusion_graph.providers._sim.server import SimServer, start
from tests.agent.engineer import engineer
from tests.commands.conftest import Done
from tests.commands.terminal import Terminal

Program = Callable[..., "subprocess.Popen[str]"]
Start = Callable[..., Terminal]


class Bench:
    """A running model and what a program needs to use it."""

    def __init__(self, server: SimServer, project: Path, home: Path) -> None:
        self.server = server
        self.arguments = ("code", "--root", str(project), "--model", "sim/engineer")
        self.variables = {
            "FUSION_BACKEND": "default",
            "FUSION_BASE_URL": server.url,
            "FUSION_HOME": str(home),
            "PROMPT_TOOLKIT_NO_CPR": "1",
        }


def on_bench(project: Path, work: Callable[[Bench], Any], script: dict[str, Any] | None = None) -> Any:
    """Run `work` in a thread while the model answers."""

    async def scene() -> Any:
        server = await start(script=script or {"sim/engineer": engineer})
        try:
            return await asyncio.to_thread(work, Bench(server, project, project.parent / "home"))
        finally:
            await server.aclose()

    return asyncio.run(scene())


def run(program: Callable[..., subprocess.Popen[str]], bench: Bench, *more: str) -> Done:
    process = program(*bench.arguments, *more, **bench.variables)
    out, err = process.communicate(timeout=60)
    return Done(process.returncode, out, err)
