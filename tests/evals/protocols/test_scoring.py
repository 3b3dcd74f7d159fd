"""The score of a pass, in every corner, and the worked example."""

from __future__ import annotations

import pytest

from tests.evals.protocols.worked import passes, scored


def test_worked_example() -> None:
    one, two, three = passes()
    assert [(p.raw, p.positive) for p in (one, two, three)] == [(13, 33), (8, 28), (25, 33)]
    assert [p.normalized for p in (one, two, three)] == pytest.approx([39.3939, 28.5714, 75.7576], abs=5e-5)
    assert [p.pass_rate for p in (one, two, three)] == pytest.approx([75.0, 71.4286, 87.5], abs=5e-5)
    assert [one.axes["factual"], three.axes["factual"]] == pytest.approx([0, 55.5556], abs=5e-5)
    assert "citation" not in two.axes
    assert (two.graded, two.total, two.coverage) == (7, 8, 0.875)
    assert two.weight_coverage == pytest.approx(55 / 60)


def test_a_missing_verdict_as_unmet_would_be_wrong() -> None:
    assert passes("UNMET")[1].normalized == pytest.approx(24.2424, abs=5e-5)


def test_all_negative_scores_zero_and_rates_by_avoidance() -> None:
    assert (scored("--", -5, -5).normalized, scored("--", -5, -5).pass_rate) == (0, 100)
    assert (scored("++", -5, -5).normalized, scored("++", -5, -5).pass_rate) == (0, 0)


def test_clamped_below_and_never_above() -> None:
    assert (scored("++", 5, -50).raw, scored("++", 5, -50).normalized) == (-45, 0)
    assert scored("+-", 5, -50).normalized == 100


def test_weight_zero_counts_in_the_rate_only() -> None:
    assert (scored("++", 5, 0).normalized, scored("++", 5, 0).pass_rate) == (100, 50)
    assert scored("+", 0).normalized == 0


def test_missing_verdicts_leave_both_sums() -> None:
    one = scored("+?-", 5, 5, 10)
    assert [one.normalized, one.coverage, one.weight_coverage] == pytest.approx([100 / 3, 2 / 3, 0.75])


def test_only_positive_weight_missing_is_zero() -> None:
    assert scored("?-", 5, -5).normalized == 0


def test_nothing_graded_is_no_score() -> None:
    one = scored("??", 5, -5)
    assert (one.normalized, one.pass_rate, one.coverage, one.axes) == (None, None, 0, {})


def test_a_verdict_that_is_not_there_is_missing_too() -> None:
    assert scored("+", 5, 5).coverage == 0.5
