"""Samples that stop early, by hand: windows and agreement (semantics 1 and 2)."""

from __future__ import annotations

from tests.graph.test_groups import votes
from tests.graph.walk import Walk


def test_window_demands_so_many_samples() -> None:
    """semantics 1: a sample with `stop` has one stage per window."""
    walk = Walk(votes(7, window=3, stop="{agree: 3}"))
    assert walk.running == ["panel/1", "panel/2", "panel/3"]


def test_window_defaults_to_agree() -> None:
    """semantics 1: `window` defaults to `agree`."""
    assert Walk(votes(7, stop="{agree: 2}")).running == ["panel/1", "panel/2"]


def test_sample_without_stop_has_one_stage() -> None:
    assert len(Walk(votes(7)).running) == 7


def test_stop_is_tested_at_window_boundaries_only() -> None:
    """semantics 1: two equal answers after two of three do not stop the third."""
    walk = Walk(votes(6, window=3, stop="{agree: 2}"))
    walk.finish("panel/3", answer="7")
    walk.finish("panel/1", answer="7")
    assert walk.says("panel") == "open"
    assert walk.cancelled == []
    walk.finish("panel/2", answer="8")
    assert walk.says("panel") == "ok"
    assert walk.says("panel/4") == "idle"


def test_next_window_follows_disagreement() -> None:
    walk = Walk(votes(5, window=2, stop="{agree: 2}"))
    walk.finish("panel/1", answer="1")
    walk.finish("panel/2", answer="2")
    assert walk.running == ["panel/3", "panel/4"]
    walk.finish("panel/3", answer="3")
    walk.finish("panel/4", answer="1")
    assert walk.says("panel") == "ok"
    assert walk.says("panel/5") == "idle"


def test_last_window_closes_in_any_case() -> None:
    walk = Walk(votes(3, window=2, stop="{agree: 2}"))
    walk.finish("panel/1", answer="1")
    walk.finish("panel/2", answer="2")
    walk.finish("panel/3", answer="3")
    assert len(walk.texts("panel")) == 3


def test_no_answer_is_an_abstention() -> None:
    """semantics 1: no answer = an abstention: two drafts without one do not agree."""
    walk = Walk(votes(4, window=2, stop="{agree: 2}"))
    walk.finish("panel/1", "same words")
    walk.finish("panel/2", "same words")
    assert walk.running == ["panel/3", "panel/4"]


def test_failed_samples_are_not_counted() -> None:
    walk = Walk(votes(4, window=2, stop="{agree: 2}"))
    walk.fail("panel/1")
    walk.fail("panel/2")
    assert walk.running == ["panel/3", "panel/4"]
    walk.fail("panel/3")
    walk.fail("panel/4")
    assert walk.says("panel") == "failed quorum_not_met"


def test_stop_needs_the_quorum_too() -> None:
    walk = Walk(votes(6, window=2, stop="{agree: 2}", quorum=3))
    walk.finish("panel/1", answer="1")
    walk.finish("panel/2", answer="1")
    assert walk.running == ["panel/3", "panel/4"]


def test_stop_with_just_the_quorum() -> None:
    walk = Walk(votes(6, window=2, stop="{agree: 2}", quorum=2))
    walk.finish("panel/1", answer="1")
    walk.finish("panel/2", answer="1")
    assert walk.says("panel") == "ok"
