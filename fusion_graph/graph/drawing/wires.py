"""Routing between placed rows: at which column a line leaves and enters a box, and on which track it runs sideways.
Pure and deterministic.

Ports are chosen so that a line never shares a column with another one it does not join; lines with the same ends share
a track. Then every corner is a joint and everything else that meets is a crossing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import NamedTuple

from fusion_graph.graph.drawing.layers import Links, Rows, Slot

MOST_PERMUTED = 5  # tracks whose every order is tried


class Port(NamedTuple):
    """Columns at which lines enter a slot from above and leave it below."""

    top: int
    bottom: int


class Wire(NamedTuple):
    """One link: leaves at column `start`, runs on `track` (-1: straight down), arrives at column `end`."""

    upper: int
    lower: int
    start: int
    end: int
    track: int


@dataclass(frozen=True, slots=True)
class Gap:
    """What lies between two rows."""

    wires: tuple[Wire, ...]
    tracks: int


@dataclass(slots=True)
class _Net:
    """Lines that may share a track: all of them lead to the same slots."""

    starts: list[int]
    ends: list[int]

    @property
    def span(self) -> tuple[int, int]:
        columns = self.starts + self.ends
        return min(columns), max(columns)


def route(made: Rows) -> tuple[list[list[Port]], list[Gap]]:
    """The ports of every slot and the wires of every gap."""
    tops: list[list[int]] = []
    bottoms: list[list[int]] = []
    for r, row in enumerate(made.rows):
        links = made.links[r - 1] if r else []
        above = [slot.middle for slot in made.rows[r - 1]] if r else []
        passing = [tops[r - 1][i] if not s.box else -1 for i, s in enumerate(made.rows[r - 1])] if r else []
        tops.append(_enter(row, links, above, passing))
    for r, row in enumerate(made.rows):
        links = made.links[r] if r < len(made.links) else []
        bottoms.append(_leave(row, links, tops[r], tops[r + 1] if links else []))
    gaps = [_gap(links, bottoms[r], tops[r + 1]) for r, links in enumerate(made.links)]
    return [[Port(t, b) for t, b in zip(*pair, strict=True)] for pair in zip(tops, bottoms, strict=True)], gaps


# --- ports ------------------------------------------------------------------------------------------------------------


def _enter(row: Sequence[Slot], links: Links, above: Sequence[int], passing: Sequence[int]) -> list[int]:
    """Columns where lines arrive. Never below a passing line that leads elsewhere; straight below a lone source."""
    found = []
    for place, slot in enumerate(row):
        own = {u for u, d in links if d == place}
        taken = {column for u, column in enumerate(passing) if column >= 0 and u not in own}
        straight = [passing[u] if passing[u] >= 0 else above[u] for u in sorted(own)]
        lone = len(own) == 1 and sum(1 for u, _ in links if u in own) == 1
        wish = straight[0] if lone and _close(slot, straight[0]) else slot.middle
        found.append(_nearest(slot, wish, taken))
    return found


def _leave(row: Sequence[Slot], links: Links, tops: Sequence[int], below: Sequence[int]) -> list[int]:
    """Columns where lines leave. Never above the end of a line that is not theirs; straight above one that is close."""
    found = []
    for place, slot in enumerate(row):
        if not slot.box:
            found.append(tops[place])
            continue
        own = [d for u, d in links if u == place]
        taken = {column for d, column in enumerate(below) if d not in own}
        near = min((below[d] for d in own), key=lambda c: (abs(c - slot.middle), c), default=slot.middle)
        found.append(_nearest(slot, near if _close(slot, near) else slot.middle, taken))
    return found


def _close(slot: Slot, column: int) -> bool:
    """Near enough to the middle that a straight line there looks right."""
    return abs(column - slot.middle) <= slot.width // 4


def _nearest(slot: Slot, wish: int, taken: set[int]) -> int:
    """The free column of a slot nearest to the wish; corners are not ports. A rail has its middle and one to each
    side."""
    first, last = (slot.x + 1, slot.x + slot.width - 2) if slot.box else (slot.x, slot.x + slot.width - 1)
    wish = min(max(wish, first), last) if slot.box else slot.middle
    columns = sorted(range(first, last + 1), key=lambda c: (abs(c - wish), c))
    return next((c for c in columns if c not in taken), columns[0])


# --- tracks -----------------------------------------------------------------------------------------------------------


def _gap(links: Links, bottoms: Sequence[int], tops: Sequence[int]) -> Gap:
    nets: dict[tuple[int, ...], _Net] = {}
    leads: dict[int, tuple[int, ...]] = {}
    for upper in sorted({u for u, _ in links}):
        targets = tuple(sorted(d for u, d in links if u == upper))
        leads[upper] = targets
        net = nets.setdefault(targets, _Net([], [tops[d] for d in targets]))
        net.starts.append(bottoms[upper])
    bent = {key: net for key, net in nets.items() if net.span[0] != net.span[1]}
    tracks = _tracks(list(bent.values()))
    track_of = dict(zip(bent, tracks, strict=True))
    wires = tuple(Wire(u, d, bottoms[u], tops[d], track_of.get(leads[u], -1)) for u, d in links)
    return Gap(wires, max(tracks, default=-1) + 1)


def _tracks(nets: Sequence[_Net]) -> list[int]:
    """A track for each net: nets on one track do not touch; the order with the fewest crossings wins."""
    levels: list[list[int]] = []
    for i in sorted(range(len(nets)), key=lambda i: nets[i].span):
        free = next((level for level in levels if all(nets[j].span[1] + 1 < nets[i].span[0] for j in level)), None)
        if free is None:
            levels.append([i])
        else:
            free.append(i)
    orders: Iterable[Sequence[int]] = (range(len(levels)),)
    if len(levels) <= MOST_PERMUTED:
        orders = permutations(range(len(levels)))
    best = min(orders, key=lambda order: _cost(nets, levels, order))
    found = [0] * len(nets)
    for track, level in enumerate(best):
        for i in levels[level]:
            found[i] = track
    return found


def _cost(nets: Sequence[_Net], levels: Sequence[Sequence[int]], order: Sequence[int]) -> int:
    """Crossings of upright parts with tracks above and below them."""
    total = 0
    for upper, level in enumerate(order):
        for under in order[upper + 1 :]:
            for i in levels[level]:
                for j in levels[under]:
                    total += _cut(nets[i].span, nets[j].starts) + _cut(nets[j].span, nets[i].ends)
    return total


def _cut(span: tuple[int, int], columns: Sequence[int]) -> int:
    return sum(1 for c in columns if span[0] < c < span[1])
