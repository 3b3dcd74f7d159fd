"""Who is wanted, by hand: withdrawal, the sweep, and what may be wanted again (semantics 1)."""

from __future__ import annotations

from fusion_graph.outputs import Outcome
from tests.graph.graphs import HEDGED_TWO, LAST_RESORT, PAIR
from tests.graph.walk import NEVER, NO_FINDINGS, TWO_SIDES, Walk


def test_unwanted_running_node_is_cancelled() -> None:
    """semantics 1: demand is withdrawn when the consumer failed: running and no longer wanted = cancelled."""
    walk = Walk(PAIR + "c: {kind: synth, model: m/c, inputs: [a, b]}\nd: {kind: fallback, inputs: [c, e]}\n"
                "e: {kind: proposer, model: m/e}", output="d")  # fmt: skip
    walk.fail("a")
    assert walk.cancelled == ["b"]
    assert walk.says("b") == "cancelled not_needed"
    assert walk.running == ["e"]


def test_unwanted_waiting_node_is_skipped() -> None:
    """semantics 1: not begun and no longer wanted = skipped `not_needed`, with all it waited for."""
    walk = Walk(PAIR + "w: {kind: proposer, model: m/w, inputs: [b]}\nc: {kind: synth, model: m/c, inputs: [a, w]}")
    walk.fail("a")
    assert walk.says("w") == "skipped not_needed"
    assert walk.says("b") == "cancelled not_needed"


def test_not_begun_call_is_skipped_not_cancelled() -> None:
    """semantics 1: a call that was asked for but not begun is skipped: a quorum fails in the same breath."""
    walk = Walk("""
        a: {kind: proposer, model: m/a, when: {params.go: {equals: true}}}
        b: {kind: proposer, model: m/b}
        g: {kind: layer, members: [b, a], quorum: 2}
        out: {kind: fallback, inputs: [g]}
        """, params=NEVER)  # fmt: skip
    assert walk.says("g") == "failed quorum_not_met"
    assert walk.says("b") == "skipped not_needed"
    assert walk.cancelled == walk.started == []


def test_node_wanted_by_another_runs_on() -> None:
    """semantics 1: nothing else cancels a node while somebody waits for it."""
    walk = Walk(
        PAIR + "c: {kind: synth, model: m/c, inputs: [a, b]}\nd: {kind: proposer, model: m/d, inputs: [b]}\n"
        "e: {kind: synth, model: m/e, inputs: ['c?', d]}"
    )
    walk.fail("a")
    assert walk.says("c") == "failed upstream:a"
    assert walk.cancelled == []
    walk.finish("b")
    assert walk.running == ["d"]


def test_whole_transition_comes_before_the_sweep() -> None:
    """semantics 1: first settle, next stages and new demand, then sweep: a node wanted anew is not cancelled."""
    walk = Walk(PAIR + "c: {kind: synth, model: m/c, inputs: [a, b]}\nd: {kind: fallback, inputs: [c, b]}")
    walk.fail("a")
    assert walk.says("c") == "failed upstream:a"
    assert walk.cancelled == []
    walk.finish("b", "rescued")
    assert walk.texts("d") == ["rescued"]


def test_outcome_of_a_cancelled_node_is_ignored() -> None:
    walk = Walk(PAIR + "c: {kind: synth, model: m/c, inputs: [a, b]}")
    walk.fail("a")
    walk.progress.finished(1, Outcome("ok", NO_FINDINGS))
    assert walk.says("b") == "cancelled not_needed"


def test_call_that_may_be_wanted_again_runs_on() -> None:
    """semantics 1, determinism: the panel is the last option, whether it arrived before the writer failed or not."""
    walk = Walk(LAST_RESORT)
    walk.fail("other")
    assert walk.says("answer") == "failed upstream:other"
    assert walk.cancelled == []
    assert walk.running == ["panel/a", "panel/b", "backup"]
    walk.fail("backup")
    walk.finish("panel/a", "A")
    walk.finish("panel/b", "B")
    assert walk.texts("final") == ["A"]


def test_spared_call_ends_when_nobody_can_want_it() -> None:
    """semantics 1: running and no longer wanted = cancelled, as soon as that is decided."""
    walk = Walk(LAST_RESORT)
    walk.fail("other")
    walk.finish("panel/a", "A")
    walk.finish("backup", "Z")
    assert walk.texts("final") == ["Z"]
    assert walk.says("panel/b") == "cancelled not_needed"
    assert walk.cancelled == ["panel/b"]
    assert walk.running == []


def test_spared_call_may_end_in_the_meantime() -> None:
    walk = Walk(LAST_RESORT)
    walk.fail("other")
    walk.finish("panel/a", "A")
    walk.fail("panel/b")
    assert walk.says("panel") == "idle"
    walk.fail("backup")
    assert walk.texts("final") == ["A"]


def test_what_has_not_begun_goes_back_to_sleep() -> None:
    """It starts nothing while nobody waits for it, and everything once somebody does."""
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        x: {kind: proposer, model: m/x}
        y: {kind: proposer, model: m/y, inputs: [x]}
        c: {kind: synth, model: m/c, inputs: [a, y]}
        z: {kind: proposer, model: m/z}
        final: {kind: fallback, inputs: [c, z, y]}
        """)
    walk.fail("a")
    assert walk.says("y") == "idle"
    walk.finish("x")
    assert "y" not in walk.started
    walk.fail("z")
    assert walk.running == ["y"]
    walk.finish("y", "late but there")
    assert walk.texts("final") == ["late but there"]


CONDITION = (
    PAIR
    + """
j: {kind: judge, model: m/j, inputs: [b]}
x: {kind: proposer, model: m/x}
c: {kind: synth, model: m/c, inputs: [a, x]}
w: {kind: synth, model: m/w, inputs: [x, 'c?'], when: {j.consensus: {above: 0}}}
"""
)


def test_inputs_behind_a_condition_may_be_wanted() -> None:
    """semantics 1: a node in stage 1 may demand all its inputs once its `when` is true."""
    walk = Walk(CONDITION + "out: {kind: synth, model: m/o, inputs: ['c?', w]}")
    walk.fail("a")
    assert walk.cancelled == []
    walk.finish("b")
    walk.finish("j", TWO_SIDES)
    walk.finish("x")
    assert walk.running == ["w"]


def test_false_condition_lets_its_inputs_go() -> None:
    walk = Walk(CONDITION + "out: {kind: fallback, inputs: [c, w, b]}")
    walk.fail("a")
    walk.finish("b", "B")
    assert walk.cancelled == []
    walk.finish("j", NO_FINDINGS)
    assert walk.cancelled == ["x"]
    assert walk.texts("out") == ["B"]


def test_committed_text_leaves_no_second_choice() -> None:
    """semantics 3: what reached the caller is not replaced, so later options are not kept for it."""
    walk = Walk(HEDGED_TWO + "final: {kind: fallback, inputs: [first, one]}")
    walk.begin("one")
    walk.fire("hedge", "first", "one")
    walk.speak("two")
    assert walk.says("one") == "cancelled hedge_lost"


SLEEPER = (
    PAIR
    + """
panel: {kind: layer, models: [m/x, m/y, m/z], quorum: 2%s}
c: {kind: synth, model: m/c, inputs: [a, panel]}
final: {kind: fallback, inputs: [c, b, panel]}
"""
)


def test_timer_of_a_sleeping_group_is_stale() -> None:
    """A grace that was armed before the group went to sleep does not close it when it is woken."""
    walk = Walk(SLEEPER % ", grace_s: 9")
    walk.finish("panel/x", "X")
    walk.finish("panel/y", "Y")
    walk.fail("a")
    assert walk.says("panel") == "idle"
    walk.fire("grace", "panel")
    assert walk.says("panel") == "idle"
    walk.armed.clear()
    walk.fail("b")
    assert walk.says("panel") == "open"
    assert walk.seconds("grace", "panel") == [9]
    walk.finish("panel/z", "Z")
    assert walk.chosen("panel") == ["panel/x", "panel/y", "panel/z"]


def test_sample_of_a_later_window_may_be_wanted() -> None:
    """semantics 1: a sample with `stop` has one stage per window."""
    walk = Walk("""
        votes: {kind: sample, model: m/v, samples: 4, window: 2, stop: {agree: 2}, extract: last_number}
        a: {kind: proposer, model: m/a}
        c: {kind: synth, model: m/c, inputs: [a, votes/3]}
        out: {kind: synth, model: m/w, inputs: [votes, 'c?']}
        """)
    assert "votes/3" in walk.running
    walk.fail("a")
    assert walk.cancelled == []
    walk.finish("votes/1", answer="1")
    walk.finish("votes/2", answer="2")
    assert walk.running == ["votes/3", "votes/4"]


def test_demand_is_withdrawn_once() -> None:
    """A fallback that let its loser go and then fails does not let it go again: another node still waits for it."""
    walk = Walk(
        HEDGED_TWO + "notes: {kind: proposer, model: m/n, inputs: [one]}\n"
        "out: {kind: synth, model: m/o, inputs: ['first?', notes]}"
    )
    walk.begin("one")
    walk.fire("hedge", "first", "one")
    walk.progress.first_content(walk.plan.index["two"])
    walk.fail("two")
    assert walk.says("first") == "failed broken"
    assert walk.running == ["one"]
    walk.finish("one")
    assert walk.running == ["notes"]


def test_sleeping_group_counts_anew() -> None:
    """What settled before its sleep counts once when it wakes."""
    walk = Walk(SLEEPER % "")
    walk.finish("panel/x", "X")
    walk.fail("a")
    walk.fail("b")
    assert walk.says("panel") == "open"
    walk.finish("panel/z", "Z")
    assert walk.chosen("panel") == ["panel/x", "panel/z"]
