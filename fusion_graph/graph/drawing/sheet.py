"""A picture laid out on a grid of character cells: framed texts and the lines between them. `terminal` paints it with
box characters, `svg` with shapes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fusion_graph.graph.drawing.captions import cells, ending, shorten, wrap
from fusion_graph.graph.drawing.diagram import STRENGTH, Box, Picture, Style
from fusion_graph.graph.drawing.folding import member_lines
from fusion_graph.graph.drawing.layers import Rows, Slot, place
from fusion_graph.graph.drawing.wires import Gap, Port, route

WIDEST = (52, 40, 32, 26)  # cells of a box, narrower ones where the first do not fit
NARROWEST = 14
MOST_MEMBERS = 12  # lines of a folded group
MOST_BOXES = 80  # above that a layered drawing says nothing


class Frame(NamedTuple):
    """A box on the grid; `lines` are the texts inside, the title stands in its upper edge."""

    box: Box
    x: int
    y: int
    width: int
    height: int
    lines: tuple[str, ...]


class Line(NamedTuple):
    """A path over grid points, from its start to its end; `arrow`: it ends at a box."""

    points: tuple[tuple[int, int], ...]
    style: Style
    arrow: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    width: int
    height: int
    frames: tuple[Frame, ...]
    lines: tuple[Line, ...]


def lay_out(picture: Picture, width: int) -> Sheet | None:
    """The picture on a sheet at most `width` cells wide; None when it does not fit or is too large to be drawn so."""
    if len(picture.boxes) > MOST_BOXES:
        return None
    options: dict[str, list[str]] = {}
    for arrow in picture.arrows:
        if arrow.label[:1].isdigit():  # a fallback's order of preference
            options.setdefault(arrow.target, []).append(f"{arrow.label.partition(',')[0]} {arrow.source}")
    for most in (min(most, width) for most in WIDEST):
        texts = {box.id: _lines(box, options.get(box.id, ()), most - 4) for box in picture.boxes}
        widths = {box.id: _width(box, texts[box.id], most) for box in picture.boxes}
        rows = place(widths, [(a.source, a.target) for a in picture.arrows], width)
        if rows is not None:
            return _Maker(picture, texts, rows, *route(rows)).sheet()
    return None


def _lines(box: Box, options: Sequence[str], room: int) -> tuple[str, ...]:
    """The texts of a box: its kind, its model, its rules, its members, how it ended."""
    kind = f"{box.kind}, output" if box.output else box.kind
    head = [shorten(kind, room)]
    if box.model:
        head.append(shorten(box.model, room))
    for note in (", ".join(options), *box.notes) if options else box.notes:
        head += wrap(note, room, 3)
    head += [shorten(f"- {line}", room) for line in member_lines(box, MOST_MEMBERS)]
    if box.ending:
        head += wrap(ending(*box.ending), room, 2)
    return tuple(head)


def _width(box: Box, lines: Sequence[str], most: int) -> int:
    need = max([cells(line) for line in lines] + [cells(box.title) + 2])
    wide = max(need + 4, NARROWEST)
    return min(wide + 1 - wide % 2, most)  # odd, so that a box has a middle


class _Maker:
    """Rows, ports and gaps put together: where each row begins, and every line from its box to its box."""

    def __init__(
        self, picture: Picture, texts: dict[str, tuple[str, ...]], rows: Rows, ports: list[list[Port]], gaps: list[Gap]
    ) -> None:
        self.boxes = {box.id: box for box in picture.boxes}
        self.styles = {(a.source, a.target): a.style for a in picture.arrows}
        self.texts, self.rows, self.ports, self.gaps = texts, rows, ports, gaps
        self.tops: list[int] = []
        y = 0
        for r, row in enumerate(rows.rows):
            self.tops.append(y)
            tall = max(self._height(slot) for slot in row)
            y += tall + (gaps[r].tracks + 1 + (gaps[r].tracks == 0) if r < len(gaps) else 0)
        self.height = y

    def sheet(self) -> Sheet:
        frames = tuple(self._frame(slot, r) for r, row in enumerate(self.rows.rows) for slot in row if slot.box)
        lines = tuple(line for r in range(len(self.gaps)) for line in self._lines(r))
        left = min((f.x for f in frames), default=0)
        left = min([left, *(x for line in lines for x, _ in line.points)])
        right = max([f.x + f.width for f in frames] + [x + 1 for line in lines for x, _ in line.points], default=0)
        return Sheet(
            right - left,
            self.height,
            tuple(f._replace(x=f.x - left) for f in frames),
            tuple(n._replace(points=tuple((x - left, y) for x, y in n.points)) for n in lines),
        )

    def _height(self, slot: Slot) -> int:
        return len(self.texts[slot.box]) + 2 if slot.box else 1

    def _frame(self, slot: Slot, r: int) -> Frame:
        return Frame(self.boxes[slot.box], slot.x, self.tops[r], slot.width, self._height(slot), self.texts[slot.box])

    def _lines(self, r: int) -> list[Line]:
        """The lines that cross the gap below row r, each from the lower edge of its slot to the upper edge of the
        next."""
        upper, lower = self.rows.rows[r], self.rows.rows[r + 1]
        gap, found = self.gaps[r], []
        top = self.tops[r + 1] - gap.tracks - 1
        for wire in gap.wires:
            source, target = upper[wire.upper], lower[wire.lower]
            begin = self.tops[r] + (self._height(source) - 1 if source.box else 0)
            end = self.tops[r + 1] - (1 if target.box else 0)
            points = [(wire.start, begin)]
            if wire.track >= 0:
                points += [(wire.start, top + wire.track), (wire.end, top + wire.track)]
            points.append((wire.end, end))
            found.append(Line(tuple(points), self._style(source, target, r), bool(target.box)))
        return found

    def _style(self, source: Slot, target: Slot, r: int) -> Style:
        """Of a box's own line its arrow's; of a rail the strongest of the lines that have joined it above."""
        if source.box:
            return self.styles[source.box, target.to]
        above = (
            self._style(self.rows.rows[r - 1][u], source, r - 1)
            for u, d in self.rows.links[r - 1]
            if self.rows.rows[r][d] is source
        )
        return max(above, key=STRENGTH.__getitem__)
