"""Diversity: temperatures spread evenly over a group, so that the drafts of one prompt differ. Arithmetic only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLDEST, HOTTEST = 0.0, 2.0


def temperatures(spread: Any, temperature: Any, members: int) -> list[float] | None:
    """One temperature per member, or None where there is nothing to spread.

    `spread` is the jitter, or a map of `jitter` and `enabled`. Member i (from 0) of n gets `temperature - jitter + 2
    * jitter * i / (n - 1)`, clamped to 0..2 (semantics 5). One member is not spread; without a temperature there is
    no middle.
    """
    jitter = jitter_of(spread)
    if not jitter or members < 2 or not isinstance(temperature, int | float):
        return None
    step = 2 * jitter / (members - 1)
    return [round(min(HOTTEST, max(COLDEST, temperature - jitter + step * i)), 6) for i in range(members)]


def jitter_of(spread: Any) -> float:
    """The jitter that is in force: 0 when there is none or it is switched off."""
    if isinstance(spread, Mapping):
        return float(spread["jitter"]) if spread.get("enabled", True) else 0.0
    return float(spread or 0)
