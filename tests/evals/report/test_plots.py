"""What a plot shows: units, legend, shape and colour."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fusion_graph.evals.report.plots import HEIGHT, WIDTH, plots, scale_for
from tests.evals.report.rows import ROWS, many, report

MADE = plots(report())


@pytest.mark.parametrize("name", ["cost", "time"])
def test_plot_says_what_it_shows(name: str) -> None:
    words = [word.text for word in MADE[name].words]
    assert "score, 0 to 100" in words
    assert any("per task" in word for word in words)
    assert {"1  a/x (solo)", "one model alone", "pipeline", "baseline of the same cost"} <= set(words)
    assert ("no arm is better and faster" in words) == (name == "time")


def test_shape_says_what_colour_says() -> None:
    looks = {(shape.kind, shape.color) for shape in MADE["cost"].shapes}
    assert len(looks) == len({kind for kind, _ in looks}) == len({color for _, color in looks}) == 3


def test_everything_stays_on_the_sheet() -> None:
    for plot in MADE.values():
        points = [point for stroke in plot.strokes for point in stroke.points]
        points += [(shape.x, shape.y) for shape in plot.shapes] + [(word.x, word.y) for word in plot.words]
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_a_long_legend_makes_a_taller_sheet() -> None:
    plot = plots(many(60))["cost"]
    assert plot.height > HEIGHT
    assert max(word.y for word in plot.words) < plot.height


def test_simulated_figures_say_so() -> None:
    assert all(plot.title.startswith("simulated") for plot in plots(report(simulated=True)).values())


def test_without_a_price_there_is_no_plot_of_it() -> None:
    unpriced = [replace(row, answer=replace(row.answer, cost_usd=None)) for row in ROWS]
    assert list(plots(report(unpriced))) == ["time"]
    assert plots(report([])) == {}


@pytest.mark.parametrize(
    ("values", "ticks", "log"),
    [
        ([0.0, 0.0], (0.0, 1.0), False),
        ([3.0, 9.0], (0, 2, 4, 6, 8, 10), False),
        ([0.001, 0.1], (0.001, 0.01, 0.1), True),
        ([1.0, 1.2], (0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2), False),
    ],
)
def test_scales(values: list[float], ticks: tuple[float, ...], log: bool) -> None:
    scale = scale_for(values)
    assert scale.ticks == pytest.approx(ticks)
    assert scale.log == log
    assert all(0 <= scale.at(value) <= 1 for value in values)
