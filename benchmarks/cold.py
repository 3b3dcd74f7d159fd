"""Commands from a cold start, in CPU seconds of their processes, against the smallest asyncio process there is."""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.load import bare_environment
from benchmarks.measure import Program, Row, duel

ROOT = Path(__file__).parents[1]
BARE = [sys.executable, "-c", "import asyncio; asyncio.run(asyncio.sleep(0)); print('hello')"]
PROGRAM = [sys.executable, "-m", "fusion_graph"]
PRESET = str(ROOT / "pipelines" / "budget-graph.yaml")


def rows(*, quick: bool) -> Iterator[Row]:
    turns = 1 if quick else 15
    with tempfile.TemporaryDirectory() as folder:
        found = [
            asyncio.run(duel(_starter([*PROGRAM, *told], folder), _starter(BARE, folder), turns=turns, clock=_children))
            for told in (("check", PRESET), ("run", PRESET, "Why?"), ("--help",))
        ]
    checked, ran, helped = found
    yield Row(subject="check of one file, cold", measured=checked.ratio, goal=2.0, gate=2.5, note=_told(checked.ours))
    yield Row(subject="run on sim, process start to end", measured=ran.ratio, goal=4.0, gate=6.0, note=_told(ran.ours))
    yield Row(
        subject="--help",
        measured=min(helped.ours),
        goal=0.15,
        gate=0.15,
        unit=" s",
        note=f"bare {min(helped.theirs):.3f} s",
    )


def _told(seconds: tuple[float, ...]) -> str:
    return f"{min(seconds):.3f} s"


def _children() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _starter(command: list[str], folder: str) -> Program:
    """Starts a command where its compiled files are there and no settings are."""
    environment = {**bare_environment(), "FUSION_HOME": folder, "FUSION_BACKEND": "sim", "PYTHONPATH": str(ROOT)}

    async def start() -> None:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=environment, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == 0, f"{' '.join(command)} failed"

    return start
