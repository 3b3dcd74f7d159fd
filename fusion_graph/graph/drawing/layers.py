"""Layered placing of boxes, top down: each box in a row below everything it waits for, rows ordered so that few lines
cross, boxes pulled under what they hang on. Units are whatever the widths are in. Pure and deterministic.

A line that passes a row takes a slot of its own there; lines to the same box share it, so a long way down is one rail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

BETWEEN = 3  # free columns between two slots
RAIL = 3  # columns of a passing line
WORTH = (8.0, 0.5, 2.0)  # how much a link wants to be straight, by the boxes at its ends: rails first
SWEEPS = 8
TRIES = 12

Links: TypeAlias = list[tuple[int, int]]
"""Between a row and the next: places in the two rows."""


@dataclass(slots=True)
class Slot:
    """A box (`box` is its id), or a line that passes on its way to the box `to`."""

    to: str
    width: int
    box: str = ""
    x: int = 0

    @property
    def middle(self) -> int:
        return self.x + self.width // 2


@dataclass(slots=True)
class Rows:
    """The rows from the top, and between each two the links from upper to lower slots."""

    rows: list[list[Slot]] = field(default_factory=list)
    links: list[Links] = field(default_factory=list)


def place(widths: Mapping[str, int], arrows: Sequence[tuple[str, str]], limit: int) -> Rows | None:
    """Boxes in rows no wider than `limit`, or None when they cannot be."""
    if any(width > limit for width in widths.values()):
        return None
    sources: dict[str, list[str]] = {name: [] for name in widths}
    for source, target in arrows:
        sources[target].append(source)
    ranks = _ranks(sources)
    reserved: dict[int, int] = {}
    for _ in range(TRIES):
        row_of = _fill(widths, sources, ranks, limit, reserved)
        made = _build(widths, sources, row_of)
        over = [r for r, row in enumerate(made.rows) if _width(row) > limit]
        if not over:
            _order(made)
            _settle(made, limit)
            return made
        for r in over:
            rails = sum(slot.width + BETWEEN for slot in made.rows[r] if not slot.box)
            reserved[r] = max(rails, reserved.get(r, 0) + 1)
    return None


def _width(row: Sequence[Slot]) -> int:
    return sum(slot.width for slot in row) + BETWEEN * (len(row) - 1)


# --- which row --------------------------------------------------------------------------------------------------------


def _ranks(sources: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The longest way from the top; a box that waits for nothing stands just above the first that waits for it."""
    targets: dict[str, list[str]] = {name: [] for name in sources}
    missing = {name: len(found) for name, found in sources.items()}
    for name, found in sources.items():
        for source in found:
            targets[source].append(name)
    queue = [name for name, count in missing.items() if not count]
    ranks = dict.fromkeys(queue, 0)
    for name in queue:  # grows while it is read
        for target in targets[name]:
            ranks[target] = max(ranks.get(target, 0), ranks[name] + 1)
            missing[target] -= 1
            if not missing[target]:
                queue.append(target)
    for name, found in sources.items():
        if not found and targets[name]:
            ranks[name] = min(ranks[t] for t in targets[name]) - 1
    return ranks


def _fill(
    widths: Mapping[str, int],
    sources: Mapping[str, Sequence[str]],
    ranks: Mapping[str, int],
    limit: int,
    reserved: Mapping[int, int],
) -> dict[str, int]:
    """A row for each box: its rank, or lower where the row is full. `reserved` columns of a row belong to lines."""
    used: dict[int, int] = {}
    row_of: dict[str, int] = {}
    for name in sorted(widths, key=lambda n: ranks[n]):  # stable: file order within a rank
        row = max((row_of[s] + 1 for s in sources[name]), default=ranks[name])
        need = widths[name] + BETWEEN
        while used.get(row, 0) and used[row] + need + reserved.get(row, 0) > limit + BETWEEN:
            row += 1
        row_of[name] = row
        used[row] = used.get(row, 0) + need
    return row_of


def _build(widths: Mapping[str, int], sources: Mapping[str, Sequence[str]], row_of: Mapping[str, int]) -> Rows:
    rows: list[list[Slot]] = [[] for _ in range(max(row_of.values(), default=-1) + 1)]
    at: dict[tuple[str, int], int] = {}

    def slot(name: str, row: int) -> int:
        key = (name, row)
        if key not in at:
            at[key] = len(rows[row])
            here = row_of[name] == row
            rows[row].append(Slot(name, widths[name] if here else RAIL, name if here else ""))
        return at[key]

    for name, row in row_of.items():
        slot(name, row)
    links: list[dict[tuple[int, int], None]] = [{} for _ in rows[1:]]
    for name, found in sources.items():
        for source in found:
            last = at[source, row_of[source]]
            for row in range(row_of[source] + 1, row_of[name] + 1):
                here = slot(name, row)
                links[row - 1][last, here] = None
                last = here
    return Rows(rows, [list(found) for found in links])


# --- in which order ---------------------------------------------------------------------------------------------------


def _order(made: Rows) -> None:
    """Barycentre sweeps down and up; the order with the fewest crossings stays."""
    best, least = [list(row) for row in made.rows], _crossings(made)
    for sweep in range(SWEEPS):
        if not least:
            break
        steps = range(1, len(made.rows)) if sweep % 2 == 0 else range(len(made.rows) - 2, -1, -1)
        for r in steps:
            _reorder(made, r, -1 if sweep % 2 == 0 else 1)
        count = _crossings(made)
        if count < least:
            best, least = [list(row) for row in made.rows], count
    for r, row in enumerate(best):
        _rearrange(made, r, row)


def _reorder(made: Rows, r: int, side: int) -> None:
    """Sort row r by the mean place of its neighbours on one side; a slot without any keeps its place."""
    beside: dict[int, list[int]] = {}
    for upper, lower in made.links[r - 1] if side < 0 else made.links[r]:
        mine, other = (lower, upper) if side < 0 else (upper, lower)
        beside.setdefault(mine, []).append(other)
    row = made.rows[r]
    centre = [sum(beside[i]) / len(beside[i]) if i in beside else float(i) for i in range(len(row))]
    _rearrange(made, r, [row[i] for i in sorted(range(len(row)), key=centre.__getitem__)])


def _rearrange(made: Rows, r: int, row: list[Slot]) -> None:
    """Put row r in this order and keep the links right."""
    places = {id(slot): i for i, slot in enumerate(row)}
    moved = [places[id(slot)] for slot in made.rows[r]]
    made.rows[r] = row
    if r > 0:
        made.links[r - 1] = [(u, moved[d]) for u, d in made.links[r - 1]]
    if r < len(made.links):
        made.links[r] = [(moved[u], d) for u, d in made.links[r]]


def _crossings(made: Rows) -> int:
    total = 0
    for links in made.links:
        ordered = sorted(links)
        total += sum(1 for i, (a, b) in enumerate(ordered) for c, d in ordered[:i] if c < a and d > b)
    return total


# --- at which column --------------------------------------------------------------------------------------------------


def _settle(made: Rows, limit: int) -> None:
    """Columns: each slot as near as can be to the mean of its neighbours, order and distances kept."""
    for row in made.rows:
        _spread(row, [1.0] * len(row), _packed(row, limit), limit)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for r in range(len(made.rows)) if down else range(len(made.rows) - 1, -1, -1):
            wish, weight = _wishes(made, r, down=down)
            _spread(made.rows[r], weight, wish, limit)
    for r in (*range(1, len(made.rows)), *range(len(made.rows) - 2, -1, -1)):
        _straighten(made, r)


def _straighten(made: Rows, r: int) -> None:
    """Move the rails of row r by what little room there is, to stand under or above the rail they go on as."""
    row = made.rows[r]
    for side in (-1, 1):
        if not 0 <= r + side < len(made.rows):
            continue
        beside = made.rows[r + side]
        for upper, lower in made.links[r - 1] if side < 0 else made.links[r]:
            mine, other = (lower, upper) if side < 0 else (upper, lower)
            if row[mine].box or beside[other].box:
                continue
            least = row[mine - 1].x + row[mine - 1].width + 1 if mine else 0
            most = row[mine + 1].x - row[mine].width - 1 if mine + 1 < len(row) else beside[other].x
            if least <= beside[other].x <= most:
                row[mine].x = beside[other].x


def _packed(row: Sequence[Slot], limit: int) -> list[float]:
    """Middles of a row packed side by side around the centre."""
    x, wish = (limit - _width(row)) / 2, []
    for slot in row:
        wish.append(x + slot.width / 2)
        x += slot.width + BETWEEN
    return wish


def _wishes(made: Rows, r: int, *, down: bool) -> tuple[list[float], list[float]]:
    """Where each slot of row r would like its middle, and how much: a rail is worth more than a box, to run
    straight."""
    row = made.rows[r]
    sums = [0.0] * len(row)
    weights = [0.0] * len(row)
    for side, pull in ((-1, 1.0 if down else 0.3), (1, 0.3 if down else 1.0)):
        if not 0 <= r + side < len(made.rows):
            continue
        beside = made.rows[r + side]
        for upper, lower in made.links[r - 1] if side < 0 else made.links[r]:
            mine, other = (lower, upper) if side < 0 else (upper, lower)
            worth = pull * WORTH[bool(row[mine].box) + bool(beside[other].box)]
            sums[mine] += worth * (beside[other].x + beside[other].width / 2)
            weights[mine] += worth
    wish = [s / w if w else slot.x + slot.width / 2 for s, w, slot in zip(sums, weights, row, strict=True)]
    return wish, [max(w, 0.1) for w in weights]


def _spread(row: Sequence[Slot], weights: Sequence[float], wish: Sequence[float], limit: int) -> None:
    """Least squares with a fixed order: neighbours that push each other become one block at their weighted mean (pool
    adjacent violators). The row then moves inside 0..limit."""
    starts, offset = [], 0.0
    for slot, middle in zip(row, wish, strict=True):
        starts.append(middle - slot.width / 2 - offset)
        offset += slot.width + BETWEEN
    blocks: list[tuple[float, float, int]] = []  # mean start, weight, slots
    for start, weight in zip(starts, weights, strict=True):
        mean, total, count = start, weight, 1
        while blocks and blocks[-1][0] > mean:
            m, w, n = blocks.pop()
            mean, total, count = (m * w + mean * total) / (w + total), w + total, count + n
        blocks.append((mean, total, count))
    offset, place, room = 0.0, 0, limit - _width(row)
    for mean, _, count in blocks:
        for _ in range(count):
            row[place].x = round(min(max(mean, 0.0), room) + offset)
            offset += row[place].width + BETWEEN
            place += 1
