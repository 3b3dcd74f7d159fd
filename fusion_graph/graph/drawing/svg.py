"""The plain SVG writer: the terminal's layout with shapes for characters. Used when no layout program is there or the
graph is too large for one; needs nothing and never fails."""

from __future__ import annotations

from html import escape

from fusion_graph.graph.drawing.captions import ending
from fusion_graph.graph.drawing.diagram import Box, Picture, Style
from fusion_graph.graph.drawing.folding import fold
from fusion_graph.graph.drawing.palette import LINE, paint
from fusion_graph.graph.drawing.sheet import Frame, Line, Sheet, lay_out

CELL_X, CELL_Y = 7.2, 16  # pixels of one cell of the sheet, for a 12 px monospace font
MARGIN = 12
WIDEST = 200  # cells
ACROSS = 8  # boxes side by side where there is no layout
DASHES: dict[Style, str] = {"solid": "", "dashed": ' stroke-dasharray="7 4"', "dotted": ' stroke-dasharray="2 4"'}
HEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    f'<path d="M0,0 L8,4 L0,8 z" fill="{LINE}"/></marker></defs>'
)


def to_svg(picture: Picture) -> str:
    """An SVG document, ids in the titles of its nodes."""
    folded = fold(picture)
    sheet = lay_out(folded, WIDEST) or _grid(folded)
    width, height = sheet.width * CELL_X + 2 * MARGIN, sheet.height * CELL_Y + 2 * MARGIN
    box = f'width="{width:.0f}" height="{height:.0f}" viewBox="{-MARGIN} {-MARGIN} {width:.0f} {height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} font-family="monospace" font-size="12">',
        f"<title>{escape(picture.name)}</title>",
        HEAD,
        f'<rect x="{-MARGIN}" y="{-MARGIN}" width="100%" height="100%" fill="white"/>',
        *(_line(line) for line in sheet.lines),
        *(_frame(frame) for frame in sheet.frames),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(picture: Picture) -> Sheet:
    """Too large for lines to be of use: the boxes in file order, side by side."""
    wide, tall = WIDEST // ACROSS, 5
    frames = tuple(
        Frame(box, i % ACROSS * wide, i // ACROSS * (tall + 1), wide - 2, tall, _short(box))
        for i, box in enumerate(picture.boxes)
    )
    return Sheet(WIDEST, (len(frames) + ACROSS - 1) // ACROSS * (tall + 1), frames, ())


def _short(box: Box) -> tuple[str, ...]:
    told = ending(*box.ending) if box.ending else ""
    return tuple(text[: WIDEST // ACROSS - 6] for text in (box.kind, box.model, told) if text)


def _line(line: Line) -> str:
    """Through the middles of its cells; at a box it ends on the edge."""
    last = len(line.points) - 1
    points = [
        ((x + 0.5) * CELL_X, (y + (1.0 if i == last and line.arrow else 0.5)) * CELL_Y)
        for i, (x, y) in enumerate(line.points)
    ]
    path = " ".join(f"{'L' if i else 'M'}{x:.1f},{y:.1f}" for i, (x, y) in enumerate(points))
    head = ' marker-end="url(#head)"' if line.arrow else ""
    return f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="1.2"{DASHES[line.style]}{head}/>'


def _frame(frame: Frame) -> str:
    look, box = paint(frame.box), frame.box
    x, y = frame.x * CELL_X, frame.y * CELL_Y
    width, height = frame.width * CELL_X, frame.height * CELL_Y
    around = {"judge": 12, "writer": 8, "refine": 8}.get(box.role, 2)
    stroke = 3 if box.role in ("group", "choice") else 1.5
    lines = "".join(
        f'<text x="{x + 10:.1f}" y="{y + (i + 1.05) * CELL_Y:.1f}" fill="{look.text}"{_weight(i)}>{escape(text)}</text>'
        for i, text in enumerate((box.title, *frame.lines))
    )
    return (
        f'<g class="node"><title>{escape(box.id)}</title>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{around}" '
        f'fill="{look.fill}" stroke="{look.edge}" stroke-width="{stroke}"/>{lines}</g>'
    )


def _weight(line: int) -> str:
    return ' font-weight="bold"' if line == 0 else ""
