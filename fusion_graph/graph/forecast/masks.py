"""Sets of node indexes as bit masks, bit `1 << index`: unions over a graph of thousands of nodes stay cheap. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def bits(mask: int) -> Iterator[int]:
    """The indexes in the set, rising."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def union(masks: Iterable[int]) -> int:
    total = 0
    for mask in masks:
        total |= mask
    return total


def union_all(masks: Iterable[int | None]) -> int | None:
    """The union, or None if one of them is None."""
    total = 0
    for mask in masks:
        if mask is None:
            return None
        total |= mask
    return total
