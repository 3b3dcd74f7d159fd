"""Diversity in numbers."""

from __future__ import annotations

import pytest

from fusion_graph.graph.spread import jitter_of, temperatures


def test_temperatures_spread_evenly() -> None:
    """semantics 5: temperature - jitter + 2 * jitter * i / (n - 1)"""
    assert temperatures(0.3, 0.7, 3) == [0.4, 0.7, 1.0]
    assert temperatures(0.3, 0.7, 4) == [0.4, 0.6, 0.8, 1.0]


def test_temperatures_stay_within_bounds() -> None:
    """semantics 5: clamped to 0..2"""
    assert temperatures(0.5, 0.2, 2) == [0.0, 0.7]
    assert temperatures(0.5, 1.9, 2) == [1.4, 2.0]


def test_one_member_is_not_spread() -> None:
    """semantics 5: one member = no spread"""
    assert temperatures(0.3, 0.7, 1) is None


@pytest.mark.parametrize("spread", [None, 0, {"jitter": 0.3, "enabled": False}])
def test_switched_off_spread_is_none(spread: object) -> None:
    assert temperatures(spread, 0.7, 3) is None
    assert jitter_of(spread) == 0


def test_no_temperature_means_no_middle() -> None:
    assert temperatures(0.3, None, 3) is None
