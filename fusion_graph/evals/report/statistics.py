"""How sure a figure is: paired bootstrap intervals, percentiles, binomial intervals. Seeded, so a report is the same
again."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import NamedTuple

RESAMPLES, CUT = 2000, 0.025  # at either end: a 95 % interval
NORMAL_99 = 2.5758293035489004


class Interval(NamedTuple):
    low: float
    high: float

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


def bootstrap(values: Sequence[float]) -> Interval:
    """Of the mean, at 95 %, by resampling tasks. Given differences of the same tasks it is the paired interval. Of
    fewer than two values nothing is known: all of the line."""
    if len(values) < 2:
        return Interval(-math.inf, math.inf)
    dice, count = random.Random(0), len(values)  # noqa: S311 (resampling, no secret)
    means = sorted(sum(dice.choices(values, k=count)) / count for _ in range(RESAMPLES))
    return Interval(means[int(CUT * RESAMPLES)], means[int((1 - CUT) * RESAMPLES)])


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that so many of them do not pass (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def wilson(hits: int, count: int) -> Interval:
    """The interval of a share (Wilson), at 99 %."""
    if count == 0:
        return Interval(0.0, 1.0)
    share, square = hits / count, NORMAL_99 * NORMAL_99
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = NORMAL_99 * math.sqrt(share * (1 - share) / count + square / (4 * count * count)) / (1 + square / count)
    return Interval(middle - half, middle + half)
