"""A plot as a file: as SVG, or as DOT with fixed places for the project's own drawing program, which makes the PNG."""

from __future__ import annotations

from html import escape
from itertools import pairwise

from fusion_graph.evals.report.plots import HEIGHT, INK, WIDTH, Plot, Shape, Words
from fusion_graph.graph.drawing.image import place

FONT = "Arimo, Arial, Helvetica, sans-serif"


def to_svg(plot: Plot) -> str:
    """An SVG document."""
    size = f'width="{WIDTH}" height="{plot.height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {plot.height:.0f}" font-family="{FONT}">',
        f"<title>{escape(plot.title)}</title>",
        f'<rect {size} fill="white"/>',
    ]
    for stroke in plot.strokes:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in stroke.points)
        dash = ' stroke-dasharray="6 4"' if stroke.dashed else ""
        parts.append(
            f'<polyline points="{path}" fill="none" stroke="{stroke.color}" stroke-width="{stroke.width}"{dash}/>'
        )
    parts += [_svg_shape(shape) for shape in plot.shapes]
    for word in plot.words:
        weight = ' font-weight="bold"' if word.bold else ""
        parts.append(
            f'<text x="{word.x:.1f}" y="{word.y + word.size * 0.35:.1f}" font-size="{word.size}" fill="{INK}"'
            f' text-anchor="{word.anchor}"{weight}>{escape(word.text)}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _svg_shape(shape: Shape) -> str:
    x, y, paint = shape.x, shape.y, f'fill="{shape.color}" stroke="white" stroke-width="1"'
    if shape.kind == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" {paint}/>'
    if shape.kind == "square":
        return f'<rect x="{x - 6:.1f}" y="{y - 6:.1f}" width="12" height="12" {paint}/>'
    return f'<polygon points="{x:.1f},{y - 7:.1f} {x - 7:.1f},{y + 6:.1f} {x + 7:.1f},{y + 6:.1f}" {paint}/>'


def to_png(plot: Plot, dpi: int = 144) -> bytes:
    """The same picture as PNG. Raises UsageError when no program can draw it."""
    return place(to_dot(plot).encode(), "png", dpi)


def to_dot(plot: Plot) -> str:
    """Every line, shape and word as a node or edge at a fixed place."""
    lines = [
        'graph plot {\n layout=neato; bgcolor=white; pad=0.1; outputorder="edgesfirst";',
        ' node [label="", penwidth=0, margin=0, fixedsize=true, width=0.01, height=0.01, shape=none];',
        f" corner0 [{_pos(0, plot.height)}]; corner1 [{_pos(WIDTH, 0)}];",
        " corner0 -- corner1 [style=invis];",
    ]
    number = 0
    for stroke in plot.strokes:
        style = "dashed" if stroke.dashed else "solid"
        for begin, end in pairwise(stroke.points):
            a, b, number = f"p{number}", f"p{number + 1}", number + 2
            lines.append(f" {a} [{_pos(*begin)}]; {b} [{_pos(*end)}];")
            lines.append(f' {a} -- {b} [color="{stroke.color}", penwidth={stroke.width}, style={style}];')
    for shape in plot.shapes:
        size = 0.2 if shape.kind == "triangle" else 0.17
        number += 1
        lines.append(
            f' s{number} [{_pos(shape.x, shape.y)}, shape={shape.kind}, style=filled, fillcolor="{shape.color}",'
            f" width={size}, height={size}];"
        )
    for word in plot.words:
        number += 1
        lines.append(f" w{number} [{_dot_words(word)}];")
    return "\n".join([*lines, "}"]) + "\n"


def _pos(x: float, y: float) -> str:
    return f'pos="{x:.2f},{HEIGHT - y:.2f}"'


def _dot_words(word: Words) -> str:
    """A box of its own width: left or right in it, so that it stands at its anchor."""
    wide = max(40.0, len(word.text) * word.size * 0.62)
    shift, mark = {"start": (wide / 2, "\\l"), "middle": (0.0, ""), "end": (-wide / 2, "\\r")}[word.anchor]
    text = word.text.replace("\\", "\\\\").replace('"', '\\"')
    font = "Helvetica-Bold" if word.bold else "Helvetica"
    return (
        f'{_pos(word.x + shift, word.y)}, shape=plaintext, label="{text}{mark}", fontsize={word.size},'
        f' fontname="{font}", fontcolor="{INK}", width={wide / 72:.3f}, height={word.size * 1.3 / 72:.3f}'
    )
