"""A random graph of 10,000 nodes and 30,000 edges on instant models: CPU, how it grows with size, and memory.

As a program, `python -m benchmarks.dag NODES EDGES ours|bare` prints the megabytes that one run adds at its peak.
"""

from __future__ import annotations

import asyncio
import gc
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import bare, shapes
from benchmarks.measure import Program, Row, duel
from benchmarks.models import QUESTION, Instant, open_engine
from fusion_graph.engine.request import ask

ROOT = Path(__file__).parents[1]


def rows(*, quick: bool) -> Iterator[Row]:
    size, turns = (300, 1) if quick else (10_000, 9)
    small, large = _programs(size // 10, 3 * size // 10), _programs(size, 3 * size)
    found = asyncio.run(duel(*large, turns=turns))
    subject = f"random DAG, {size:,} nodes, {3 * size:,} edges"
    yield Row(subject=subject, measured=found.ratio, goal=1.0, gate=1.5, note=found.told(size, "node"))
    ours, theirs = (_exponent(*both, turns=3 * turns) for both in zip(small, large, strict=True))
    yield Row(
        subject=f"{subject}: growth from a tenth, exponent",
        measured=ours,
        goal=1.1,
        gate=1.2,
        unit="",
        note=f"bare {theirs:.2f}",
    )
    ours, theirs = _megabytes(size, "ours"), _megabytes(size, "bare")
    yield Row(subject=f"{subject}: memory", measured=ours, goal=15, gate=30, unit=" MB", note=f"bare {theirs:.1f} MB")


def _exponent(small: Program, large: Program, *, turns: int) -> float:
    """Of the cost of one run by its size: one large run against ten small ones, as big together, in the same turns."""

    async def ten() -> None:
        for _ in range(10):
            await small()

    return 1 + math.log10(asyncio.run(duel(large, ten, turns=turns)).ratio)


def _programs(nodes: int, edges: int) -> tuple[Program, Program]:
    models, sources, client = shapes.names(nodes), shapes.tangled(nodes, edges), Instant()
    bound, engine = shapes.graph(models, sources), open_engine(client)
    return lambda: engine.run(bound, ask(QUESTION)), lambda: bare.graph(client, QUESTION, models, sources)


def _megabytes(size: int, who: str) -> float:
    """In a process of its own, whose memory nobody has used before."""
    command = [sys.executable, "-m", "benchmarks.dag", str(size), str(3 * size), who]
    return float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


async def _grow(nodes: int, edges: int, who: str) -> float:
    """MB between what the process holds before a run and the most it ever held. The plan is there already."""
    ours, theirs = _programs(nodes, edges)
    small, other = _programs(10, 12)
    await (small if who == "ours" else other)()  # whatever is loaded on first use
    gc.collect()
    before = _memory_mb("VmRSS")
    await (ours if who == "ours" else theirs)()
    return _memory_mb("VmHWM") - before


def _memory_mb(field: str) -> float:
    """VmRSS is what the process holds now, VmHWM the most it ever held."""
    (line,) = (line for line in Path("/proc/self/status").read_text("ascii").splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    print(f"{asyncio.run(_grow(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])):.2f}")
