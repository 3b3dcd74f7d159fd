"""graph/forecast/masks: sets as numbers."""

from __future__ import annotations

from fusion_graph.graph.forecast.masks import bits, union, union_all


def test_bits_come_out_rising() -> None:
    assert list(bits(0)) == []
    assert list(bits(1 << 900 | 0b101)) == [0, 2, 900]


def test_union_of_sets() -> None:
    assert union([]) == 0
    assert union([0b1, 0b100]) == 0b101


def test_one_missing_set_spoils_the_union() -> None:
    assert union_all([0b1, 0b10]) == 0b11
    assert union_all([0b1, None]) is None
