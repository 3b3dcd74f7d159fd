"""The closed forms, against counting every case."""

from __future__ import annotations

from itertools import product

import pytest

from fusion_graph.evals.synthetic.theory import at_least, colluding, correlated, early_stop, majority


def counted(voters: int, knowledge: float, liars: int = 0) -> float:
    total = 0.0
    for votes in product((0, 1), repeat=voters - liars):
        chance = 1.0
        for vote in votes:
            chance *= knowledge if vote else 1 - knowledge
        total += chance * (2 * sum(votes) > voters)
    return total


@pytest.mark.parametrize("voters", [1, 3, 5, 9])
@pytest.mark.parametrize("knowledge", [0.0, 0.3, 0.7, 1.0])
def test_majority_is_what_counting_says(voters: int, knowledge: float) -> None:
    assert majority(voters, knowledge) == pytest.approx(counted(voters, knowledge))
    assert colluding(voters, 0, knowledge) == pytest.approx(majority(voters, knowledge))


def test_colluders_take_votes_away() -> None:
    assert colluding(5, 2, 0.7) == pytest.approx(counted(5, 0.7, liars=2)) == pytest.approx(0.343)
    assert colluding(5, 3, 0.99) == 0
    assert at_least(0, 5, 0.5) == pytest.approx(1)


def test_correlation_lies_between_one_and_many() -> None:
    assert correlated(5, 0.7, 1.0) == 0.7
    assert correlated(5, 0.7, 0.0) == majority(5, 0.7)
    assert 0.7 < correlated(5, 0.7, 0.5) < majority(5, 0.7)


def walked(most: int, window: int, agree: int, knowledge: float) -> tuple[float, float]:
    mean = right = 0.0
    for draws in product((0, 1), repeat=most):
        chance = 1.0
        for draw in draws:
            chance *= knowledge if draw else 1 - knowledge
        used = next((n for n in range(window, most, window) if max(sum(draws[:n]), n - sum(draws[:n])) >= agree), most)
        mean += chance * used
        right += chance * (2 * sum(draws[:used]) > used)
    return mean, right


@pytest.mark.parametrize(("most", "window", "agree"), [(9, 3, 3), (9, 3, 5), (5, 1, 3), (7, 2, 3), (3, 3, 9)])
def test_early_stop_is_what_walking_says(most: int, window: int, agree: int) -> None:
    assert early_stop(most, window, agree, 0.7) == pytest.approx(walked(most, window, agree, 0.7))


def test_stopping_at_a_sure_majority_loses_nothing() -> None:
    mean, right = early_stop(9, 1, 5, 0.7)
    assert right == pytest.approx(majority(9, 0.7))
    assert 5 < mean < 7


def test_agreement_of_all_is_no_early_stop() -> None:
    mean, right = early_stop(9, 3, 99, 0.7)
    assert mean == pytest.approx(9)
    assert right == pytest.approx(majority(9, 0.7))
