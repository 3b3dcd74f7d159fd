"""Rows to lines: what an arm scored, cost and took, and against what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fusion_graph.evals.protocols import PROTOCOLS
from fusion_graph.evals.report.summary import front, summarise, task_means
from tests.evals.report.rows import ARMS, GRADED, LEAKY, ROWS, SHAPES, report, row

LINES = {line.arm: line for line in report().summary.lines}


def test_deltas_are_against_the_best_solo() -> None:
    assert report().summary.reference == "a/x (solo)"
    assert LINES["a/x (solo)"].delta is None
    assert LINES["panel"].delta == 0
    assert LINES["b/y (solo)"].delta == -25
    assert not LINES["panel"].better


def test_a_clear_gain_is_marked() -> None:
    rows = [row("a/x (solo)", n, 10.0 + n) for n in range(4)] + [row("panel", n, 50.0 + n) for n in range(4)]
    lines = summarise(rows, [SHAPES[0], SHAPES[2]], PROTOCOLS["exact"], {}, 8).lines
    assert lines[1].better
    assert lines[1].delta_interval == (40, 40)


def test_money_calls_and_time_are_per_task() -> None:
    line = LINES["panel"]
    assert [line.cost_usd, line.calls, line.p50_s, line.p95_s] == pytest.approx([0.1, 3, 2, 4])
    assert line.domains == {"art": 100, "law": 0}
    assert line.axes == {"facts": 50}


def test_answer_against_its_best_draft() -> None:
    found = LINES["panel"].against
    assert found is not None
    assert found == (1, 2, 1, 0.5, 50)
    assert found.pairs == 4
    assert LINES["a/x (solo)"].against is None


def test_a_draft_without_a_score_leaves_the_comparison() -> None:
    scores = {key: score for key, score in GRADED.items() if key != ("t0", "b/y (solo)0")}
    (_, _, panel, _) = summarise(ROWS, ARMS, PROTOCOLS["exact"], scores, 16).lines
    assert panel.against is not None
    assert panel.against.pairs == 3


def test_an_unknown_price_stays_unknown() -> None:
    rows = [
        replace(r, answer=replace(r.answer, cost_usd=None)) if r.arm == "panel" and r.task == "t0" else r for r in ROWS
    ]
    assert summarise(rows, ARMS, PROTOCOLS["exact"], {}, 16).lines[2].cost_usd is None


def test_leaks_are_shown_with_and_without() -> None:
    line = report(LEAKY).summary.lines[0]
    assert (line.leaks, line.score) == (1, 50)
    assert line.mean_without_leaks == pytest.approx(100 / 3)


def test_runs_of_a_task_are_averaged() -> None:
    assert task_means([row("panel", 0, 100), row("panel", 0, 0), row("panel", 1, None)]) == {"t0": 50}


def test_an_arm_without_rows_is_an_empty_line() -> None:
    line = summarise([], ARMS[:1], PROTOCOLS["openrouter"], {}, 4).lines[0]
    assert (line.score, line.cost_usd, line.p50_s, line.runs) == (None, None, None, 0)


def test_front_holds_what_nothing_beats() -> None:
    assert [line.arm for line in front(list(LINES.values()))] == ["a/x (solo)"]
    rows = [row("a/x (solo)", 0, 10), row("b/y (solo)", 0, 5), row("panel", 0, 90)]
    lines = summarise(rows, SHAPES, PROTOCOLS["exact"], {}, 3).lines
    assert [line.arm for line in front(lines)] == ["a/x (solo)", "panel"]
