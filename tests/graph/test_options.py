"""Fallbacks by hand: one option after the other, aids, hedges, what is live (semantics 1 to 3)."""

from __future__ import annotations

from fusion_graph.graph import options
from tests.graph.walk import NEVER, Walk, scores

HEDGED = """
one: {kind: proposer, model: m/1}
two: {kind: proposer, model: m/2}
three: {kind: proposer, model: m/3}
final: {kind: fallback, inputs: [one, two, three], hedge_after_s: 4}
"""
PLAIN = HEDGED.replace(", hedge_after_s: 4", "")


# --- one after the other ----------------------------------------------------------------------------------------------


def test_first_option_that_has_a_value_is_taken() -> None:
    """semantics 1: fallback option, value: taken."""
    walk = Walk(PLAIN)
    walk.finish("one", "first")
    assert walk.texts("final") == ["first"]
    assert walk.says("two") == "idle"


def test_failed_option_demands_the_next() -> None:
    """semantics 1: fallback option, failed or skipped: next option; one stage per option."""
    walk = Walk(PLAIN)
    walk.fail("one")
    assert walk.running == ["two"]
    walk.fail("two")
    walk.finish("three", "third")
    assert walk.texts("final") == ["third"]


def test_skipped_option_demands_the_next() -> None:
    walk = Walk("""
        one: {kind: proposer, model: m/1, when: {params.go: {equals: true}}}
        two: {kind: proposer, model: m/2}
        final: {kind: fallback, inputs: [one, two]}
        """, params=NEVER)  # fmt: skip
    assert walk.running == ["two"]


def test_no_option_left_fails() -> None:
    walk = Walk(PLAIN)
    for node in ("one", "two", "three"):
        walk.fail(node)
    assert walk.says("final") == "failed no_usable_option"


def test_only_skipped_options_skip() -> None:
    walk = Walk("""
        one: {kind: proposer, model: m/1, when: {params.go: {equals: true}}}
        two: {kind: proposer, model: m/2, when: {params.go: {equals: true}}}
        base: {kind: proposer, model: m/3}
        inner: {kind: fallback, inputs: [one, two]}
        final: {kind: fallback, inputs: [inner, base]}
        """, params=NEVER)  # fmt: skip
    assert walk.says("inner") == "skipped upstream:two"
    assert walk.running == ["base"]


def test_option_settled_before_is_taken_at_once() -> None:
    """Options another node has already paid for cost nothing."""
    walk = Walk("""
        panel: {kind: layer, models: [m/a, m/b]}
        answer: {kind: synth, model: m/w, inputs: [panel]}
        final: {kind: fallback, inputs: [answer, panel]}
        """)
    walk.finish("panel/a", "A")
    walk.finish("panel/b", "B")
    walk.fail("answer")
    assert walk.texts("final") == ["A"]


def test_nested_fallback_is_an_option() -> None:
    walk = Walk("""
        one: {kind: proposer, model: m/1}
        two: {kind: proposer, model: m/2}
        three: {kind: proposer, model: m/3}
        inner: {kind: fallback, inputs: [one, two]}
        final: {kind: fallback, inputs: [inner, three]}
        """)
    walk.fail("one")
    walk.fail("two")
    assert walk.says("inner") == "failed no_usable_option"
    walk.finish("three", "third")
    assert walk.texts("final") == ["third"]


# --- aids -------------------------------------------------------------------------------------------------------------

BEST = """
tries: {kind: sample, model: m/a, samples: 2}
judged: {kind: judge, mode: score, model: m/j, inputs: [tries]}
final: {kind: fallback, pick: best_score, inputs: [tries, judged]}
"""


def test_aids_are_demanded_with_the_first_group() -> None:
    """semantics 2: a fallback's analysis inputs are demanded with its first group."""
    walk = Walk("""
        single: {kind: proposer, model: m/s}
        tries: {kind: sample, model: m/a, samples: 2}
        other: {kind: proposer, model: m/o}
        judged: {kind: judge, mode: score, model: m/j, inputs: [tries, other]}
        final: {kind: fallback, pick: best_score, inputs: [single, tries, judged]}
        """)
    assert walk.running == ["single"]
    assert walk.says("judged") == "idle"
    walk.fail("single")
    assert walk.running == ["tries/1", "tries/2", "other"]


def test_group_waits_for_its_scores() -> None:
    walk = Walk(BEST)
    walk.finish("tries/1")
    walk.finish("tries/2")
    assert walk.says("final") == "open"
    walk.finish("judged", scores(**{"tries/1": 3.0, "tries/2": 8.0}))
    assert walk.chosen("final") == ["tries", "judged"]
    assert walk.says("final") == "ok"


def test_group_without_scores_is_taken_as_it_is() -> None:
    """semantics 2: absent at run time: given order."""
    walk = Walk(BEST)
    walk.finish("tries/1")
    walk.finish("tries/2")
    walk.fail("judged")
    assert walk.chosen("final") == ["tries"]


def test_single_draft_needs_no_scores() -> None:
    walk = Walk("""
        tries: {kind: sample, model: m/a, samples: 2, quorum: all}
        single: {kind: proposer, model: m/s}
        judged: {kind: judge, mode: score, model: m/j, inputs: [single]}
        final: {kind: fallback, pick: best_score, inputs: [tries, single, judged]}
        """)
    walk.fail("tries/1")
    walk.finish("single", "S")
    assert walk.texts("final") == ["S"]
    assert walk.says("judged") == "cancelled not_needed" or walk.says("judged") == "skipped not_needed"


# --- hedges -----------------------------------------------------------------------------------------------------------


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
    walk = Walk(HEDGED)
    walk.begin("one")
    walk.fire("hedge", "final", "one")
    assert walk.running == ["one", "two"]
    walk.begin("two")
    walk.fire("hedge", "final", "two")
    assert walk.running == ["one", "two", "three"]


def test_first_usable_outcome_wins() -> None:
    """semantics 3: held: first usable outcome; the losers are withdrawn."""
    walk = Walk(HEDGED)
    walk.begin("one")
    walk.fire("hedge", "final", "one")
    walk.finish("two", "faster")
    assert walk.texts("final") == ["faster"]
    assert walk.says("one") == "cancelled hedge_lost"
    assert walk.chosen("final") == ["two"]


def test_failed_runner_leaves_the_other() -> None:
    walk = Walk(HEDGED)
    walk.begin("one")
    walk.fire("hedge", "final", "one")
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
    walk = Walk("""
        one: {kind: proposer, model: m/1}
        two: {kind: proposer, model: m/2}
        first: {kind: fallback, inputs: [one, two], hedge_after_s: 4}
        notes: {kind: proposer, model: m/n, inputs: [one]}
        out: {kind: synth, model: m/w, inputs: [first, 'notes?']}
        """)
    walk.begin("one")
    walk.fire("hedge", "first", "one")
    walk.finish("two", "faster")
    assert walk.texts("first") == ["faster"]
    assert walk.cancelled == []
    walk.finish("one", "slower")
    assert "notes" in walk.running


def test_option_that_already_runs_arms_its_timer_when_demanded() -> None:
    """An option that began for another node hedges too, from when it is wanted here."""
    walk = Walk("""
        one: {kind: proposer, model: m/1}
        two: {kind: proposer, model: m/2}
        three: {kind: proposer, model: m/3}
        first: {kind: fallback, inputs: [one, two, three], hedge_after_s: 4}
        notes: {kind: proposer, model: m/n, inputs: [two]}
        out: {kind: synth, model: m/w, inputs: [first, 'notes?']}
        """)
    walk.begin("one")
    walk.begin("two")
    assert len(walk.seconds("hedge", "first")) == 1
    walk.fire("hedge", "first", "one")
    assert len(walk.seconds("hedge", "first")) == 2
    walk.fire("hedge", "first", "two")
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
    walk = Walk("""
        one: {kind: proposer, model: m/1}
        two: {kind: proposer, model: m/2}
        first: {kind: fallback, inputs: [one, two], hedge_after_s: 4}
        notes: {kind: proposer, model: m/n, inputs: [two]}
        out: {kind: synth, model: m/w, inputs: [first, notes]}
        """)
    walk.begin("one")
    walk.fire("hedge", "first", "one")
    assert not options.is_hedge_arm(walk.progress, walk.plan.index["two"])
    assert not options.is_hedge_arm(walk.progress, walk.plan.output)


# --- live -------------------------------------------------------------------------------------------------------------


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
    walk = Walk(HEDGED)
    walk.begin("one")
    walk.fire("hedge", "final", "one")
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
    walk = Walk(HEDGED)
    walk.begin("one")
    walk.fire("hedge", "final", "one")
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
    walk = Walk("""
        one: {kind: proposer, model: m/1}
        two: {kind: proposer, model: m/2}
        three: {kind: proposer, model: m/3}
        inner: {kind: fallback, inputs: [one, two]}
        final: {kind: fallback, inputs: [inner, three]}
        """)
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
