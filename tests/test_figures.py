"""Money, time and counts in a few characters."""

from __future__ import annotations

import pytest

from fusion_graph.figures import count, seconds, several, spent, usd


@pytest.mark.parametrize(
    ("cost", "text"),
    [(None, "?"), (0.0, "$0"), (0.00001, "<$0.0001"), (0.0012, "$0.0012"), (0.5, "$0.5000"), (1234.5, "$1,234.50")],
)
def test_dollars(cost: float | None, text: str) -> None:
    assert usd(cost) == text


@pytest.mark.parametrize(("value", "text"), [(None, ""), (0.04, "0.0 s"), (99.94, "99.9 s"), (99.96, "1:40 min")])
def test_seconds(value: float | None, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (3400, "3.4k"), (99_960, "100k"), (999_600, "1.0M"), (1_234_567, "1.2M")],
)
def test_counts(value: int, text: str) -> None:
    assert count(value) == text


def test_several_of_a_thing() -> None:
    assert [several(n, "call") for n in (0, 1, 2000)] == ["0 calls", "1 call", "2,000 calls"]


@pytest.mark.parametrize(("cost", "text"), [(0.0123, "1.6k tokens, $0.0123"), (None, "1.6k tokens, cost unknown")])
def test_what_was_spent(cost: float | None, text: str) -> None:
    assert spent(1582, cost) == text
