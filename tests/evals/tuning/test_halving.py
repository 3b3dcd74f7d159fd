"""Rungs and survivors."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fusion_graph.evals.protocols.protocol import Headline
from fusion_graph.evals.report.summary import Line
from fusion_graph.evals.tuning.halving import rungs, survivors
from tests.evals.report.rows import report

LINE = report().summary.lines[0]


def line(name: str, score: float | None, cost: float | None) -> Line:
    headline = Headline(mean=score, sd=None, scored=1, planned=1, complete=True)
    return replace(LINE, arm=name, headline=headline, cost_usd=cost)


@pytest.mark.parametrize(
    ("tasks", "shapes", "sizes"),
    [(60, 12, [7, 20, 60]), (60, 1, [60]), (60, 3, [20, 60]), (5, 12, [5]), (540, 100, [7, 20, 60, 180, 540])],
)
def test_rungs_grow_to_all_tasks(tasks: int, shapes: int, sizes: list[int]) -> None:
    assert rungs(tasks, shapes) == sizes


def test_the_front_survives_and_the_best_fill_up() -> None:
    lines = [
        line("cheap", 50, 1),
        line("dear", 90, 9),
        line("waste", 60, 10),
        line("mid", 70, 5),
        line("none", None, 0),
    ]
    assert survivors(lines) == ["cheap", "dear", "mid"]
    assert survivors([line(str(n), float(n), 1.0) for n in range(9)]) == ["6", "7", "8"]


def test_an_unknown_price_lives_by_its_score() -> None:
    assert survivors([line("a", 90, None), line("b", 10, None), line("c", 5, None)]) == ["a"]
