"""Fallbacks that hedge, by hand: which options run beside each other, and which of them wins (semantics 3 and 4)."""

from __future__ import annotations

from fusion_graph.graph import options
from tests.graph.graphs import HEDGED, HEDGED_TWO
from tests.graph.test_options import BEST
from tests.graph.walk import Walk


def both_running() -> Walk:
    """The first option and its hedge."""
    walk = Walk(HEDGED)
    walk.begin("one")
    walk.fire("hedge", "final", "one")
    return walk


def test_hedge_timer_runs_from_the_options_own_start() -> None:
    """semantics 3: the timer runs from the option's own start, not from its demand."""
    walk = Walk(HEDGED)
    assert walk.armed == {}
    walk.begin("one")
    assert walk.seconds("hedge", "final") == [4]


def test_hedge_timer_is_armed_once() -> None:
    """A retry is no new start."""
    walk = Walk(HEDGED)
    walk.begin("one")
    walk.armed.clear()
    walk.begin("one")
    assert walk.armed == {}


def test_hedge_launches_the_next_beside() -> None:
    walk = both_running()
    assert walk.running == ["one", "two"]
    walk.begin("two")
    walk.fire("hedge", "final", "two")
    assert walk.running == ["one", "two", "three"]


def test_first_usable_outcome_wins() -> None:
    """semantics 3: held: first usable outcome; the losers are withdrawn."""
    walk = both_running()
    walk.finish("two", "faster")
    assert walk.texts("final") == ["faster"]
    assert walk.says("one") == "cancelled hedge_lost"
    assert walk.chosen("final") == ["two"]


def test_failed_runner_leaves_the_other() -> None:
    walk = both_running()
    walk.fail("one")
    assert walk.running == ["two"]
    walk.fail("two")
    assert walk.running == ["three"]


def test_stale_hedge_timer_does_nothing() -> None:
    """An option that failed before its timer has been replaced already."""
    walk = Walk(HEDGED)
    walk.begin("one")
    walk.fail("one")
    assert walk.running == ["two"]
    walk.fire("hedge", "final", "one")
    assert walk.running == ["two"]


def test_hedge_after_the_last_option_does_nothing() -> None:
    walk = Walk(HEDGED)
    for name in ("one", "two", "three"):
        walk.begin(name)
        walk.fire("hedge", "final", name)
    assert walk.running == ["one", "two", "three"]
    assert walk.says("final") == "open"


def test_hedge_loser_that_feeds_another_runs_on() -> None:
    """semantics 1: a hedge's loser that feeds another node runs on."""
    walk = Walk(
        HEDGED_TWO + "notes: {kind: proposer, model: m/n, inputs: [one]}\n"
        "out: {kind: synth, model: m/w, inputs: [first, 'notes?']}"
    )
    walk.begin("one")
    walk.fire("hedge", "first", "one")
    walk.finish("two", "faster")
    assert walk.texts("first") == ["faster"]
    assert walk.cancelled == []
    walk.finish("one", "slower")
    assert "notes" in walk.running


def test_option_that_already_runs_arms_its_timer_when_demanded() -> None:
    """An option that began for another node hedges too, from when it is wanted here."""
    walk = Walk(
        HEDGED + "notes: {kind: proposer, model: m/n, inputs: [two]}\n"
        "out: {kind: synth, model: m/w, inputs: [final, 'notes?']}"
    )
    walk.begin("one")
    walk.begin("two")
    assert len(walk.seconds("hedge", "final")) == 1
    walk.fire("hedge", "final", "one")
    assert len(walk.seconds("hedge", "final")) == 2
    walk.fire("hedge", "final", "two")
    assert "three" in walk.running


def test_closed_plan_hedges_no_more() -> None:
    """semantics 4 (4): one attempt, no hedge."""
    walk = Walk(HEDGED)
    walk.begin("one")
    walk.close("deadline")
    walk.fire("hedge", "final", "one")
    assert walk.running == ["one"]


def test_only_arms_beside_another_runner_are_hedge_arms() -> None:
    """semantics 4: an arm that does not fit is just not launched; a judge of a group is no arm."""
    walk = Walk(HEDGED)
    index = walk.plan.index
    assert not options.is_hedge_arm(walk.progress, index["one"])
    walk.begin("one")
    walk.fire("hedge", "final", "one")
    assert options.is_hedge_arm(walk.progress, index["two"])
    assert not options.is_hedge_arm(walk.progress, index["one"])
    scored = Walk(BEST)
    scored.finish("tries/1")
    scored.finish("tries/2")
    assert not options.is_hedge_arm(scored.progress, scored.plan.index["judged"])


def test_arm_that_another_node_needs_is_more_than_an_arm() -> None:
    """semantics 4: only an arm that would be launched for the hedge alone is just not launched."""
    walk = Walk(
        HEDGED_TWO + "notes: {kind: proposer, model: m/n, inputs: [two]}\n"
        "out: {kind: synth, model: m/w, inputs: [first, notes]}"
    )
    walk.begin("one")
    walk.fire("hedge", "first", "one")
    assert not options.is_hedge_arm(walk.progress, walk.plan.index["two"])
    assert not options.is_hedge_arm(walk.progress, walk.plan.output)


def test_no_hedge_while_only_its_turn_is_awaited() -> None:
    """semantics 1 and 3: a fallback demands options when its `when` and `after` are settled; no timer runs before."""
    walk = Walk(HEDGED.replace("inputs: [one, two, three]", "inputs: [one, two, three], after: [two]"))
    walk.begin("two")
    assert walk.armed == {}
    walk.fail("two")
    walk.finish("one", "first")
    assert walk.texts("final") == ["first"]
    assert "three" not in walk.started
