"""What is live, by hand, and what the caller's hearing of it decides (semantics 3)."""

from __future__ import annotations

from tests.graph.graphs import HEDGED, NESTED
from tests.graph.test_hedges import both_running
from tests.graph.test_options import PLAIN
from tests.graph.walk import Walk


def test_live_chain_follows_current_options() -> None:
    """semantics 3: the live chain runs from the output through the fallback's current option to one writer call."""
    walk = Walk("""
        panel: {kind: layer, models: [m/a, m/b]}
        answer: {kind: synth, model: m/w, inputs: [panel]}
        other: {kind: proposer, model: m/o}
        inner: {kind: fallback, inputs: [answer, other]}
        final: {kind: fallback, inputs: [inner, panel]}
        """)
    assert walk.live == ["answer"]
    walk.finish("panel/a")
    walk.finish("panel/b")
    walk.fail("answer")
    assert walk.live == ["other"]
    walk.finish("other")
    assert walk.live == ["other"]


def test_every_runner_of_a_hedge_is_live() -> None:
    walk = both_running()
    assert sorted(walk.live) == ["one", "two"]


def test_output_that_writes_is_live_itself() -> None:
    assert Walk("only: {kind: proposer, model: m/1}").live == ["only"]


def test_nothing_is_live_before_when_is_judged() -> None:
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b}
        final: {kind: fallback, inputs: [b, a], when: {a.chars: {above: 0}}}
        """)
    assert walk.live == []
    walk.finish("a")
    assert walk.live == ["b"]


def test_first_content_withdraws_the_other_runners() -> None:
    """semantics 3: live: first content of any runner wins, losers withdrawn."""
    walk = both_running()
    walk.speak("two")
    assert walk.says("one") == "cancelled hedge_lost"
    assert walk.live == ["two"]
    walk.finish("two", "spoken")
    assert walk.texts("final") == ["spoken"]


def test_nothing_replaces_what_was_heard() -> None:
    """semantics 3: fallback before the first token, error after it."""
    walk = Walk(PLAIN)
    walk.speak("one")
    walk.fail("one", "cut off")
    assert walk.says("final") == "failed cut off"
    assert walk.says("two") == "idle"


def test_commitment_reaches_through_nested_fallbacks() -> None:
    walk = Walk(NESTED)
    walk.speak("one")
    walk.fail("one", "cut off")
    assert walk.says("inner") == "failed cut off"
    assert walk.says("final") == "failed cut off"
    assert walk.says("three") == "idle"


def test_hedge_is_over_after_first_content() -> None:
    walk = Walk(HEDGED)
    walk.begin("one")
    walk.speak("one")
    walk.fire("hedge", "final", "one")
    assert walk.running == ["one"]
