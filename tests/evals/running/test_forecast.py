"""Bounds before anything is spent."""

from __future__ import annotations

import pytest

from fusion_graph.engine.pricing import Rates
from fusion_graph.evals.arms import ab
from fusion_graph.evals.protocols import PROTOCOLS
from fusion_graph.evals.running.choosing import choose_judge
from fusion_graph.evals.running.forecast import foresee
from fusion_graph.evals.taskfiles import load as load_tasks
from tests.evals.desk import PANEL, bound, load

ARMS = ab(load(PANEL), {}, bound)
RATES = Rates(input=1.0, output=1.0, cached=1.0)
SAMPLE = load_tasks("sample")


def test_calls_are_counted_exactly() -> None:
    judging = choose_judge(PROTOCOLS["openrouter"], SAMPLE, None, None)
    found = foresee(ARMS, SAMPLE, 2, judging, lambda _model: RATES)
    assert found.arm_calls == (1 + 1 + 3) * 12 * 2
    assert found.judge_calls == 48 * 2 * 3 * 3
    assert found.judge_usd == pytest.approx(found.judge_calls * 4600 / 1e6, rel=0.05)
    assert found.arm_usd is not None


def test_exact_answers_need_no_judge() -> None:
    found = foresee(ARMS, load_tasks("sums").first(5), 1, None, lambda _model: RATES)
    assert (found.judge_calls, found.judge_usd) == (0, 0)


def test_an_unknown_price_stays_unknown() -> None:
    judging = choose_judge(PROTOCOLS["paper"], SAMPLE, None, None)
    found = foresee(ARMS, SAMPLE, 1, judging, lambda _model: None)
    assert (found.arm_usd, found.judge_usd) == (None, None)
