"""Evals: a data set of full size is read and checked, against reading the same JSON."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.measure import Row, duel
from fusion_graph.evals.taskfiles.loading import read

TASKS, CRITERIA = 100, 39


def data_set(tasks: int = TASKS) -> bytes:
    """Made up, of the benchmark's size: an object a line, its rubric as text."""
    lines = []
    for number in range(tasks):
        criteria = [
            {"id": f"c{number}-{i}", "weight": -10 if i % 10 == 9 else 5, "requirement": f"Says {i}. " * 15}
            for i in range(CRITERIA)
        ]
        sections: list[dict[str, Any]] = [{"id": f"s{n}", "criteria": criteria[n::4]} for n in range(4)]
        entry = {"id": f"t{number}", "domain": "Law", "problem": "Compare. " * 80}
        lines.append(json.dumps({**entry, "answer": json.dumps({"sections": sections})}))
    return "\n".join(lines).encode()


def rows(*, quick: bool) -> Iterator[Row]:
    source = data_set(2 if quick else TASKS)

    async def ours() -> None:
        read(source, "made-up.jsonl")

    async def theirs() -> None:
        for line in source.decode().split("\n"):
            json.loads(json.loads(line)["answer"])

    found = asyncio.run(duel(ours, theirs, turns=1 if quick else 9))
    begin = time.perf_counter()
    asyncio.run(ours())
    wall = time.perf_counter() - begin
    yield Row(subject="100 tasks with 3,900 criteria, read and checked", measured=wall, goal=1.0, gate=2.0, unit=" s")
    yield Row(subject="the same, to reading the JSON alone", measured=found.ratio)
