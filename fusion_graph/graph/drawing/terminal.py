"""A picture as plain text for a terminal: framed boxes from the top down, lines in box characters. No colour: that
belongs to who prints it. What is too large or too wide for a drawing becomes a list."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from fusion_graph.graph.drawing.captions import cells, ending, shorten, wrap
from fusion_graph.graph.drawing.diagram import STRENGTH, Picture, Role, Style
from fusion_graph.graph.drawing.folding import fold, member_lines
from fusion_graph.graph.drawing.sheet import Frame, Line, Sheet, lay_out

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
JOINTS = " ╵╷│╴┘┐┤╶└┌├─┴┬┼"
UPRIGHT: Mapping[Style, str] = {"solid": "│", "dashed": "╎", "dotted": "┊"}
LEVEL: Mapping[Style, str] = {"solid": "─", "dashed": "╌", "dotted": "┈"}
NARROWEST = 24  # cells; below that nothing can be read


class Edges(NamedTuple):
    """The characters of a frame: corners from the top left in reading order, level, upright, and where a line
    leaves."""

    corners: str
    level: str
    upright: str
    leave: str


LIGHT = Edges("┌┐└┘", "─", "│", "┬")
ROUND = Edges("╭╮╰╯", "─", "│", "┬")
HEAVY = Edges("┏┓┗┛", "━", "┃", "┯")
DOUBLE = Edges("╔╗╚╝", "═", "║", "╤")
FRAMES: Mapping[Role, Edges] = {
    "draft": LIGHT,
    "writer": LIGHT,
    "refine": LIGHT,
    "judge": ROUND,
    "group": HEAVY,
    "choice": DOUBLE,
}


def to_terminal(picture: Picture, width: int = 100) -> str:
    """The drawing, at most `width` cells wide (24 at least), groups folded; ends with a newline."""
    room = max(width, NARROWEST)
    folded = fold(picture)
    sheet = lay_out(folded, room)
    body = _paint(sheet) if sheet else _listing(folded, room)
    parts = [_heading(picture, room), *body, *_legend(folded, room)]
    return "\n".join(line.rstrip() for line in parts) + "\n"


def _heading(picture: Picture, room: int) -> str:
    text = f"{picture.name}: {picture.description}" if picture.description else picture.name
    return "\n".join(wrap(text, room, 3))


def _legend(picture: Picture, room: int) -> list[str]:
    """What the lines mean, where there is more than one sort."""
    styles = {arrow.style for arrow in picture.arrows}
    words = {"dashed": "╌ optional input", "dotted": "┈ order only (when, after)"}
    told = ", ".join(text for style, text in words.items() if style in styles)
    return wrap(f"─ required input, {told}", room, 3) if told else []


# --- painting ---------------------------------------------------------------------------------------------------------


def _paint(sheet: Sheet) -> list[str]:
    grid = [[" "] * sheet.width for _ in range(sheet.height)]
    for (x, y), char in _wires(sheet.lines).items():
        grid[y][x] = char
    for frame in sheet.frames:
        _draw_frame(grid, frame, {line.points[0] for line in sheet.lines})
    return ["".join(row).replace("\0", "") for row in grid]


def _wires(lines: tuple[Line, ...]) -> dict[tuple[int, int], str]:
    """Characters of all lines. Corners join; a level and an upright part that only meet cross, the upright one on
    top."""
    upright: dict[tuple[int, int], Style] = {}
    level: dict[tuple[int, int], Style] = {}
    joints: dict[tuple[int, int], int] = {}
    heads: set[tuple[int, int]] = set()
    for line in lines:
        for (x0, y0), (x1, y1) in pairwise(line.points):
            for y in range(min(y0, y1), max(y0, y1) + 1) if x0 == x1 else ():
                _stronger(upright, (x0, y), line.style)
            for x in range(min(x0, x1), max(x0, x1) + 1) if x0 != x1 else ():
                _stronger(level, (x, y0), line.style)
                joints[x0, y0] = joints.get((x0, y0), 0) | (RIGHT if x1 > x0 else LEFT) | UP
                joints[x1, y1] = joints.get((x1, y1), 0) | (LEFT if x1 > x0 else RIGHT) | DOWN
        if line.arrow:
            heads.add(line.points[-1])
    found = {at: LEVEL[style] for at, style in level.items()} | {at: UPRIGHT[style] for at, style in upright.items()}
    for at, bits in joints.items():
        found[at] = JOINTS[bits | _passing(at, level, upright)]
    return found | dict.fromkeys(heads, "▼")


def _stronger(cells_of: dict[tuple[int, int], Style], at: tuple[int, int], style: Style) -> None:
    if at not in cells_of or STRENGTH[style] > STRENGTH[cells_of[at]]:
        cells_of[at] = style


def _passing(
    at: tuple[int, int], level: Mapping[tuple[int, int], Style], upright: Mapping[tuple[int, int], Style]
) -> int:
    """The ways on which lines go through a joint without ending there."""
    x, y = at
    bits = 0
    for mask, beside, along in ((LEFT, (x - 1, y), level), (RIGHT, (x + 1, y), level)):
        bits |= mask if at in along and beside in along else 0
    for mask, beside, along in ((UP, (x, y - 1), upright), (DOWN, (x, y + 1), upright)):
        bits |= mask if at in along and beside in along else 0
    return bits


def _draw_frame(grid: list[list[str]], frame: Frame, leaves: set[tuple[int, int]]) -> None:
    edges = FRAMES[frame.box.role]
    inside = frame.width - 2
    title = f" {shorten(frame.box.title, inside - 3)} "
    lower = [
        edges.leave if (x, frame.y + frame.height - 1) in leaves else edges.level
        for x in range(frame.x + 1, frame.x + frame.width - 1)
    ]
    rows = [
        edges.corners[0] + edges.level + title + edges.level * (inside - 1 - cells(title)) + edges.corners[1],
        *(f"{edges.upright} {text}{' ' * (inside - 1 - cells(text))}{edges.upright}" for text in frame.lines),
        edges.corners[2] + "".join(lower) + edges.corners[3],
    ]
    for dy, row in enumerate(rows):
        x = frame.x
        for char in row:
            taken = cells(char)
            if taken == 0:  # a combining mark shares the cell before it
                grid[frame.y + dy][x - 1] += char
                continue
            grid[frame.y + dy][x] = char
            if taken == 2:  # it covers the next cell too
                grid[frame.y + dy][x + 1] = "\0"
            x += taken


# --- as a list --------------------------------------------------------------------------------------------------------


def _listing(picture: Picture, room: int) -> list[str]:
    """A line per box in file order, with what it waits for."""
    marks = {"solid": "", "dashed": "?", "dotted": " (order)"}
    waits: dict[str, list[str]] = {}
    for arrow in picture.arrows:
        waits.setdefault(arrow.target, []).append(arrow.source + marks[arrow.style])
    lines = []
    for box in picture.boxes:
        told = [f"{box.id}: {box.kind}", box.model, *box.notes, *member_lines(box, 4)]
        if box.id in waits:
            told.append("after " + ", ".join(waits[box.id]))
        if box.ending:
            told.append(ending(*box.ending))
        lines += wrap("; ".join(t for t in told if t), room, 3)
    return lines
