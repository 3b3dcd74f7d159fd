"""Successive halving: all shapes on a few tasks, the better part on more of them, the best on all. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fusion_graph.evals.report.summary import Line, front

FACTOR = 3
FIRST = 6  # tasks of the first rung, at least


def rungs(tasks: int, shapes: int) -> list[int]:
    """How many tasks each rung has. The last one has them all; with few shapes there are few rungs."""
    needed = max(0, math.ceil(math.log(max(1, shapes), FACTOR)))
    sizes = [tasks]
    while len(sizes) <= needed and (fewer := math.ceil(sizes[0] / FACTOR)) >= FIRST:
        sizes.insert(0, fewer)
    return sizes


def survivors(lines: Sequence[Line]) -> list[str]:
    """Who goes on: the front of score and cost, and the best by score, up to a part of all; in the given order. The
    front alone may be more than that: a cheap shape must not die for being cheap."""
    scored = [line for line in lines if line.score is not None]
    kept = {line.arm for line in front(scored)}
    best = sorted(scored, key=lambda line: line.score or 0.0, reverse=True)
    for line in best:
        if len(kept) >= math.ceil(len(lines) / FACTOR):
            break
        kept.add(line.arm)
    return [line.arm for line in lines if line.arm in kept]
