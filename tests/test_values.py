"""Values that a run makes many of."""

from __future__ import annotations

from dataclasses import replace

from fusion_graph.jsontext import plain
from fusion_graph.outputs import Draft, Outcome


def test_values_are_what_their_fields_are() -> None:
    draft = Draft("text", "a")
    assert draft == Draft(text="text", node="a")
    assert len({draft, Draft("text", "a"), Draft("text", "b")}) == 2
    assert replace(draft, text="other") == Draft("other", "a")
    assert plain(Outcome("failed", None, "broken")) == {
        "state": "failed",
        "value": None,
        "reason": "broken",
        "detail": "",
    }


def test_values_hold_nothing_but_their_fields() -> None:
    assert not hasattr(Draft("text", "a"), "__dict__")
