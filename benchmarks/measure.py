"""Two programs against each other: in turns, many times, so that both meet the same machine. What counts is the median
of the ratios of single turns."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

Program: TypeAlias = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. Both figures bound `measured` from above; a row without them is there to be seen."""

    subject: str
    measured: float
    goal: float | None = None
    gate: float | None = None
    unit: str = "x"
    note: str = ""

    @property
    def verdict(self) -> str:
        if self.goal is None or self.gate is None:
            return ""
        return "MISSED" if self.measured > self.gate else "gate" if self.measured > self.goal else "goal"


@dataclass(frozen=True, slots=True)
class Duel:
    """Seconds of each turn, ours and theirs side by side."""

    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratio(self) -> float:
        return statistics.median(a / b for a, b in zip(self.ours, self.theirs, strict=True))

    def told(self, parts: int, of: str) -> str:
        """Microseconds per part, the best turn of each: `31 us a node, bare 12`."""
        mine, theirs = (1e6 * min(turns) / parts for turns in (self.ours, self.theirs))
        return f"{mine:.3g} us a {of}, bare {theirs:.3g}"


async def duel(
    ours: Program,
    theirs: Program,
    *,
    turns: int,
    times: int = 1,
    at_once: int = 1,
    clock: Callable[[], float] = time.process_time,
) -> Duel:
    """In each turn each runs `times` times, `at_once` of them side by side; who begins changes. One turn beforehand
    warms up. CPU seconds of this process unless another clock is given."""
    spent: tuple[list[float], list[float]] = ([], [])
    for turn in range(-1, turns):
        for who in (0, 1) if turn % 2 else (1, 0):
            gc.collect()
            start = clock()
            await _play((ours, theirs)[who], times, at_once)
            if turn >= 0:
                spent[who].append(clock() - start)
    return Duel(tuple(spent[0]), tuple(spent[1]))


async def _play(program: Program, times: int, at_once: int) -> None:
    for _ in range(times // at_once):
        if at_once == 1:
            await program()
        else:
            await asyncio.gather(*(program() for _ in range(at_once)))
