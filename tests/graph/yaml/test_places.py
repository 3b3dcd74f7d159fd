"""Places print as people count."""

from __future__ import annotations

from fusion_graph.graph.yaml.places import Fault, Place, Problem


def test_places_compare_in_document_order() -> None:
    assert sorted([Place(2, 1), Place(1, 9), Place(1, 2)]) == [(1, 2), (1, 9), (2, 1)]


def test_hints_are_optional() -> None:
    assert Fault("FG101", Place(1, 1), "x").hint == ""
    assert Problem("FG111", ("a",), "x").key is False
