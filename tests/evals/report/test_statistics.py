"""Intervals and percentiles against what is known of them."""

from __future__ import annotations

import math
import random

import pytest

from fusion_graph.evals.report.statistics import bootstrap, percentile, wilson


def test_bootstrap_is_seeded_and_near_the_normal_interval() -> None:
    dice = random.Random(1)
    values = [dice.gauss(50, 10) for _ in range(400)]
    found = bootstrap(values)
    mean, half = sum(values) / 400, 1.96 * 10 / 20
    assert found == bootstrap(values)
    assert found.low == pytest.approx(mean - half, abs=0.2)
    assert found.high == pytest.approx(mean + half, abs=0.2)


def test_one_value_tells_nothing() -> None:
    assert bootstrap([5.0]) == (-math.inf, math.inf)
    assert bootstrap([5.0, 5.0]) == (5.0, 5.0)


@pytest.mark.parametrize(("share", "value"), [(0.5, 2), (0.95, 4), (0.0, 1), (1.0, 4)])
def test_percentile_is_a_value_that_was_there(share: float, value: float) -> None:
    assert percentile([4, 1, 3, 2], share) == value
    assert percentile([], share) is None


def test_wilson_of_a_coin() -> None:
    found = wilson(50, 100)
    assert [found.low, found.high] == pytest.approx([0.37528, 0.62472], abs=1e-5)
    assert 0.5 in found
    assert 0.9 not in found
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 50).low == pytest.approx(0)
