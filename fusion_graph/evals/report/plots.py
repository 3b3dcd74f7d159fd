"""Quality against cost and against time, laid out once into lines, shapes and words; `plot_files` writes them.

Colours are of Okabe and Ito and stay apart for colour-blind readers; shape says the same as colour, and numbers name
arms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

from fusion_graph.evals.arms import Role
from fusion_graph.evals.report.document import Report
from fusion_graph.evals.report.summary import Line, front

WIDTH, HEIGHT = 860, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 330, 68, 62  # the right margin holds the legend
INK, FAINT, FRONT = "#222222", "#d0d0d0", "#cc79a7"
LOOKS: dict[Role, tuple[Literal["circle", "square", "triangle"], str, str]] = {
    "solo": ("circle", "#0072b2", "one model alone"),
    "shape": ("square", "#d55e00", "pipeline"),
    "baseline": ("triangle", "#009e73", "baseline of the same cost"),
}
LONGEST = 40  # characters of a name in the legend
SCALE_LOG = 20.0  # largest over smallest, above which the axis is logarithmic


class Stroke(NamedTuple):
    points: tuple[tuple[float, float], ...]
    color: str = INK
    width: float = 1.0
    dashed: bool = False


class Shape(NamedTuple):
    kind: Literal["circle", "square", "triangle"]
    x: float
    y: float
    color: str


class Words(NamedTuple):
    """`anchor`: the side of the text that stands at x."""

    x: float
    y: float
    text: str
    anchor: Literal["start", "middle", "end"] = "start"
    size: int = 12
    bold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A finished drawing; y grows downwards."""

    title: str
    strokes: tuple[Stroke, ...]
    shapes: tuple[Shape, ...]
    words: tuple[Words, ...]
    height: float = HEIGHT  # more where the legend is long


class Scale(NamedTuple):
    """From a value to a place, with its ticks."""

    low: float
    high: float
    log: bool
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        if self.log:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)


def plots(report: Report) -> dict[str, Plot]:
    """`cost` and `time`, where at least one arm has that figure."""
    lines = [line for line in report.summary.lines if line.score is not None]
    mark = "simulated: " if report.simulated else ""
    name = f"{report.tasks.name}, {report.protocol.name}"
    made = {}
    for key, price, title, unit in (
        ("cost", "cost_usd", "quality and cost", "US dollars per task"),
        ("time", "p50_s", "quality and time", "median seconds per task"),
    ):
        known = [line for line in lines if getattr(line, price) is not None]
        if known:
            made[key] = _plot(known, price, f"{mark}{title} ({name})", unit)
    return made


def _plot(lines: Sequence[Line], price: str, title: str, unit: str) -> Plot:
    scale = scale_for([float(getattr(line, price)) for line in lines])
    places = [(_x(scale, max(getattr(line, price), scale.low)), _y(line.score or 0.0)) for line in lines]
    strokes, words = _frame(scale, unit)
    for line, (x, _) in zip(lines, places, strict=True):
        if math.isfinite(line.interval.low):
            strokes.append(Stroke(((x, _y(line.interval.low)), (x, _y(line.interval.high))), "#888888", 1.5))
    best = [places[lines.index(line)] for line in front(lines, price)]
    steps = [p for one, two in pairwise(best) for p in (one, (two[0], one[1]))]
    strokes.append(Stroke((*steps, best[-1], (WIDTH - RIGHT, best[-1][1])), FRONT, 1.8, dashed=True))
    shapes = [Shape(LOOKS[line.role][0], x, y, LOOKS[line.role][1]) for line, (x, y) in zip(lines, places, strict=True)]
    words += _numbers(places)
    words.append(Words(18, 20, title, size=15, bold=True))
    extra_strokes, extra_shapes, extra_words = _legend(lines, "cheaper" if price == "cost_usd" else "faster")
    return Plot(
        title=title,
        strokes=(*strokes, *extra_strokes),
        shapes=(*shapes, *extra_shapes),
        words=(*words, *extra_words),
        height=max(HEIGHT, max(word.y for word in extra_words) + 20),
    )


def _x(scale: Scale, value: float) -> float:
    return LEFT + scale.at(value) * (WIDTH - LEFT - RIGHT - 20)


def _y(score: float) -> float:
    return HEIGHT - BOTTOM - score / 100 * (HEIGHT - TOP - BOTTOM)


def scale_for(values: Sequence[float]) -> Scale:
    """From 0, or in powers of ten where the values are far apart."""
    most, least = max(values), min(values)
    if most <= 0:
        return Scale(0.0, 1.0, False, (0.0, 1.0))
    if least > 0 and most / least > SCALE_LOG:
        low, high = math.floor(math.log10(least)), math.ceil(math.log10(most))
        return Scale(10.0**low, 10.0**high, True, tuple(10.0**n for n in range(low, high + 1)))
    size = 10.0 ** math.floor(math.log10(most))
    step = next(size * part for part in (0.2, 0.5, 1.0, 2.0) if most / (size * part) <= 6)
    count = math.ceil(most / step - 1e-9)
    return Scale(0.0, count * step, False, tuple(n * step for n in range(count + 1)))


def _frame(scale: Scale, unit: str) -> tuple[list[Stroke], list[Words]]:
    end, floor = WIDTH - RIGHT, HEIGHT - BOTTOM
    strokes, words = [], []
    for score in range(0, 101, 20):
        strokes.append(Stroke(((LEFT, _y(score)), (end, _y(score))), INK if score == 0 else FAINT))
        words.append(Words(LEFT - 8, _y(score), str(score), "end"))
    for tick in scale.ticks:
        x = _x(scale, tick)
        strokes.append(Stroke(((x, floor), (x, floor + 5))))
        words.append(Words(x, floor + 17, f"{tick:f}".rstrip("0").rstrip(".") or "0", "middle"))
    strokes.append(Stroke(((LEFT, TOP - 6), (LEFT, floor))))
    log = ", logarithmic" if scale.log else ""
    words.append(Words((LEFT + end) / 2, floor + 42, f"{unit}{log}", "middle", 13))
    words.append(Words(18, TOP - 20, "score, 0 to 100", "start", 13))
    return strokes, words


def _numbers(places: Sequence[tuple[float, float]]) -> list[Words]:
    """The number of each arm beside its mark; marks on one spot share the place."""
    spots: dict[tuple[int, int], list[int]] = {}
    for number, (x, y) in enumerate(places, 1):
        spots.setdefault((round(x / 14), round(y / 14)), []).append(number)
    words = []
    for numbers in spots.values():
        x, y = places[numbers[0] - 1]
        words.append(Words(x + 10, y - 11, ",".join(map(str, numbers)), bold=True))
    return words


def _legend(lines: Sequence[Line], word: str) -> tuple[list[Stroke], list[Shape], list[Words]]:
    x, y = WIDTH - RIGHT + 34, TOP + 4.0
    strokes, shapes, words = [], [], []
    for number, line in enumerate(lines, 1):
        kind, color, _ = LOOKS[line.role]
        name = line.arm if len(line.arm) <= LONGEST else line.arm[: LONGEST - 1] + "\u2026"
        shapes.append(Shape(kind, x, y, color))
        words.append(Words(x + 14, y, f"{number}  {name}"))
        y += 20
    y += 10
    for role in dict.fromkeys(line.role for line in lines):
        kind, color, told = LOOKS[role]
        shapes.append(Shape(kind, x, y, color))
        words.append(Words(x + 14, y, told))
        y += 20
    strokes.append(Stroke(((x - 9, y), (x + 9, y)), FRONT, 1.8, dashed=True))
    words.append(Words(x + 14, y, f"no arm is better and {word}"))
    strokes.append(Stroke(((x, y + 13), (x, y + 27)), "#888888", 1.5))
    words.append(Words(x + 14, y + 20, "95 % interval over tasks"))
    return strokes, shapes, words
