"""Demand, readiness and withdrawal, by hand: what a run's plan starts, settles and cancels (semantics 1 and 4)."""

from __future__ import annotations

import pytest

from fusion_graph.outputs import Analysis, Outcome
from tests.graph.walk import NEVER, NO_FINDINGS, TWO_SIDES, Walk, bound_of, bound_specs, spec

PAIR = """
a: {kind: proposer, model: m/a}
b: {kind: proposer, model: m/b}
"""


# --- what an edge reads -----------------------------------------------------------------------------------------------


def test_bare_input_is_used() -> None:
    """semantics 1: bare input, value: used; both kinds of edge are waited for until they settle."""
    walk = Walk(PAIR + "c: {kind: synth, model: m/c, inputs: [a, 'b?']}")
    walk.finish("a")
    assert "c" not in walk.started
    walk.finish("b")
    assert walk.running == ["c"]


def test_failed_bare_input_fails_at_once() -> None:
    """semantics 1: bare input, failed: consumer failed `upstream:<id>`, at once."""
    walk = Walk(PAIR + "c: {kind: synth, model: m/c, inputs: [a, b]}")
    walk.fail("b")
    assert walk.says("c") == "failed upstream:b"
    assert walk.cancelled == ["a"]


def test_skipped_bare_input_skips() -> None:
    """semantics 1: bare input, skipped: consumer skipped `upstream:<id>`."""
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b, when: {params.go: {equals: true}}}
        c: {kind: synth, model: m/c, inputs: [a, b]}
        """, params=NEVER)  # fmt: skip
    walk.finish("a")
    assert walk.says("c") == "skipped upstream:b"


def test_failed_wins_over_skipped() -> None:
    """semantics 1: if a failed and a skipped required input meet, failed wins."""
    walk = Walk("""
        a: {kind: proposer, model: m/a, when: {params.go: {equals: true}}}
        b: {kind: proposer, model: m/b}
        c: {kind: synth, model: m/c, inputs: [a, b]}
        """, params=NEVER)  # fmt: skip
    walk.fail("b")
    assert walk.says("c") == "failed upstream:b"


@pytest.mark.parametrize("how", ["failed", "skipped", "cancelled"])
def test_optional_input_without_value_is_absent(how: str) -> None:
    """semantics 1: `id?`, skipped, failed or cancelled: absent."""
    walk = Walk(PAIR + "c: {kind: synth, model: m/c, inputs: [a, 'b?']}")
    walk.finish("a")
    walk.progress.finished(walk.plan.index["b"], Outcome(how, None, "why"))  # type: ignore[arg-type]
    assert walk.progress.starts == [walk.plan.index["c"]]


@pytest.mark.parametrize("state", ["ok", "cached", "replayed"])
def test_cached_and_replayed_count_as_values(state: str) -> None:
    """semantics 1: ok, cached and replayed mean usable."""
    walk = Walk(PAIR + "c: {kind: synth, model: m/c, inputs: [a, b]}")
    walk.finish("a")
    value = walk.outcome("a")
    assert value
    walk.progress.finished(walk.plan.index["b"], value._replace(state=state))  # type: ignore[arg-type]
    assert walk.progress.starts == [walk.plan.index["c"]]


@pytest.mark.parametrize("kind", ["synth", "judge"])
def test_node_without_any_draft_left_fails(kind: str) -> None:
    """semantics 1: judge and synth need at least one draft after optional edges fell away, else failed `no_input`."""
    walk = Walk(
        PAIR + f"c: {{kind: {kind}, model: m/c, inputs: ['a?', 'b?']}}\nd: {{kind: proposer, model: m/d, after: [c]}}"
    )
    walk.fail("a")
    walk.fail("b")
    assert walk.says("c") == "failed no_input"


def test_analysis_alone_is_no_input() -> None:
    """semantics 1: an analysis does not stand in for a draft."""
    walk = Walk(
        PAIR
        + """
judged: {kind: judge, model: m/j, inputs: [a]}
c: {kind: synth, model: m/c, inputs: ['b?', judged]}
"""
    )
    walk.finish("a")
    walk.fail("b")
    walk.finish("judged", NO_FINDINGS)
    assert walk.says("c") == "failed no_input"


def test_after_goes_on_whatever_happened() -> None:
    """semantics 1: `after`: go, go, go."""
    for how in (Outcome("failed", None, "x"), Outcome("skipped", None, "x"), Outcome("cancelled", None, "x")):
        walk = Walk("a: {kind: proposer, model: m/a}\nc: {kind: proposer, model: m/c, after: [a]}")
        assert walk.started == ["a"]
        walk.progress.finished(0, how)
        assert walk.progress.starts == [1]


# --- demand -----------------------------------------------------------------------------------------------------------


def test_nobody_demanded_never_runs() -> None:
    """semantics 1: nodes nobody demanded stay untouched."""
    walk = Walk(PAIR + "c: {kind: fallback, inputs: [a, b]}")
    assert walk.started == ["a"]
    assert walk.says("b") == "idle"


def test_when_is_judged_before_inputs_are_demanded() -> None:
    """semantics 1: stage 1 is the nodes named in `when` and `after`; only when `when` is true, all inputs."""
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        judged: {kind: judge, model: m/j, inputs: [a]}
        b: {kind: proposer, model: m/b}
        c: {kind: synth, model: m/c, inputs: [a, b], when: {judged.contradictions: {above: 0}}}
        d: {kind: fallback, inputs: [c, a]}
        """)
    walk.finish("a")
    walk.finish("judged", NO_FINDINGS)
    assert walk.says("c") == "skipped when"
    assert walk.says("b") == "idle"
    assert walk.says("d") == "ok"


def test_when_true_demands_all_inputs() -> None:
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        judged: {kind: judge, model: m/j, inputs: [a]}
        b: {kind: proposer, model: m/b}
        c: {kind: synth, model: m/c, inputs: [a, b], when: {judged.blind_spots: {at_least: 2}}}
        """)
    walk.finish("a")
    walk.finish("judged", TWO_SIDES)
    assert walk.running == ["b"]
    walk.finish("b")
    assert walk.running == ["c"]


@pytest.mark.parametrize("how", ["failed", "skipped", "cancelled"])
def test_condition_on_a_node_without_value_is_false(how: str) -> None:
    """semantics 1: node named in `when`, skipped or failed: condition false."""
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        judged: {kind: judge, model: m/j, inputs: [a]}
        c: {kind: synth, model: m/c, inputs: [a], when: {judged.contradictions: {not_equals: 7}}}
        """)
    walk.finish("a")
    walk.progress.finished(1, Outcome(how, None, "x"))  # type: ignore[arg-type]
    assert walk.says("c") == "skipped when"


def test_condition_waits_for_after_too() -> None:
    """semantics 1: `when` and `after` are edges: they demand, and both belong to stage 1."""
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b}
        x: {kind: proposer, model: m/x}
        c: {kind: synth, model: m/c, inputs: [x], after: [b], when: {a.chars: {above: 2}}}
        """)
    assert walk.started == ["a", "b"]
    walk.finish("a")
    assert walk.says("x") == "idle"
    walk.fail("b")
    assert walk.running == ["x"]


def test_named_and_read_node_is_demanded_once() -> None:
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        c: {kind: synth, model: m/c, inputs: [a], when: {a.truncated: {equals: false}}}
        """)
    walk.finish("a")
    assert walk.started == ["a", "c"]


# --- who is wanted ----------------------------------------------------------------------------------------------------


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
        PAIR
        + """
c: {kind: synth, model: m/c, inputs: [a, b]}
d: {kind: proposer, model: m/d, inputs: [b]}
e: {kind: synth, model: m/e, inputs: ['c?', d]}
"""
    )
    walk.fail("a")
    assert walk.says("c") == "failed upstream:a"
    assert walk.cancelled == []
    walk.finish("b")
    assert walk.running == ["d"]


def test_whole_transition_comes_before_the_sweep() -> None:
    """semantics 1: first settle, next stages and new demand, then sweep: a node wanted anew is not cancelled."""
    walk = Walk(
        PAIR
        + """
c: {kind: synth, model: m/c, inputs: [a, b]}
d: {kind: fallback, inputs: [c, b]}
"""
    )
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


# --- the end of a run -------------------------------------------------------------------------------------------------

JUDGED = """
panel: {kind: layer, models: [m/a, m/b], quorum: all}
judged: {kind: judge, model: m/j, inputs: [panel]}
answer: {kind: synth, model: m/w, inputs: [panel, 'judged?']}
final: {kind: fallback, inputs: [answer, panel]}
"""


def test_deadline_ends_calls_that_do_not_write() -> None:
    """semantics 4 (2): every other call that is not in W is cancelled; its consumers treat it as absent."""
    walk = Walk(JUDGED.replace("judged?", "judged"))
    walk.finish("panel/a")
    walk.finish("panel/b")
    walk.close("deadline")
    assert walk.says("judged") == "cancelled deadline"
    assert walk.running == ["answer"]


def test_deadline_settles_groups_with_what_is_there() -> None:
    """semantics 4 (1): each unsettled group settles with what is usable, one suffices."""
    walk = Walk(JUDGED)
    walk.finish("panel/b", "only one")
    walk.close("deadline")
    assert walk.texts("panel") == ["only one"]
    assert walk.says("panel/a") == "cancelled deadline"
    assert walk.running == ["answer"]


def test_deadline_fails_a_group_with_nothing() -> None:
    """semantics 4 (1): a group without anything usable fails `deadline`."""
    walk = Walk(JUDGED)
    walk.close("deadline")
    assert walk.says("panel") == "failed deadline"
    assert walk.says("final").startswith("failed")
    assert walk.running == []


def test_deadline_settles_groups_of_groups_inside_out() -> None:
    """semantics 4 (1): in graph order: an outer group gets what the inner one closes with."""
    walk = Walk("""
        inner: {kind: layer, models: [m/a, m/b], quorum: all}
        c: {kind: proposer, model: m/c}
        outer: {kind: layer, members: [inner, c], quorum: all}
        answer: {kind: synth, model: m/w, inputs: [outer]}
        """)
    walk.finish("inner/a", "inside")
    walk.close("deadline")
    assert walk.texts("inner") == ["inside"]
    assert walk.texts("outer") == ["inside"]
    assert walk.running == ["answer"]


def test_deadline_settles_samples_of_members() -> None:
    """semantics 4 (1) with semantics 5: a layer with samples is a group of groups too."""
    walk = Walk("""
        panel: {kind: layer, models: [m/a, m/b], samples: 2, quorum: 2}
        answer: {kind: synth, model: m/w, inputs: [panel]}
        """)
    walk.finish("panel/b/1", "half of b")
    walk.close("deadline")
    assert walk.texts("panel") == ["half of b"]
    assert walk.running == ["answer"]


def test_deadline_cuts_all_members_alike() -> None:
    """semantics 1: one degraded entry per root cause, so all members cut by the deadline say so in the same words."""
    walk = Walk(JUDGED.replace("[m/a, m/b]", "[m/a, m/b, m/c]"))
    walk.finish("panel/b")
    walk.close("deadline")
    assert [walk.says("panel/a"), walk.says("panel/c")] == ["cancelled deadline"] * 2
    assert walk.late("panel") == []


def test_writers_start_after_the_deadline() -> None:
    """semantics 4 (4): W nodes needed by the output start or go on."""
    walk = Walk(JUDGED)
    walk.finish("panel/a")
    walk.close("deadline")
    walk.finish("answer", "in time")
    assert walk.texts("final") == ["in time"]


def test_running_writer_goes_on_after_the_deadline() -> None:
    walk = Walk(PAIR + "final: {kind: fallback, inputs: [a, b]}")
    walk.close("deadline")
    assert walk.running == ["a"]
    walk.fail("a")
    assert walk.running == ["b"]


def test_end_takes_the_first_settled_option() -> None:
    """semantics 4 (5): at `deadline_s` all calls end: the first settled usable option is the answer."""
    walk = Walk(JUDGED)
    walk.finish("panel/a", "draft")
    walk.close("deadline")
    walk.end("deadline")
    assert walk.says("answer") == "cancelled deadline"
    assert walk.cancelled == ["panel/b", "answer"]
    assert walk.texts("final") == ["draft"]


def test_end_with_nothing_fails() -> None:
    """semantics 4 (5): none = failed."""
    walk = Walk(PAIR + "final: {kind: fallback, inputs: [a, b]}")
    walk.end("deadline")
    assert walk.says("final") == "failed deadline"
    assert walk.says("b") == "cancelled deadline"
    assert walk.cancelled == ["a"]


def test_second_close_changes_nothing() -> None:
    """semantics 4: the plan closes once."""
    walk = Walk(JUDGED)
    walk.finish("panel/a")
    walk.close("budget")
    walk.close("deadline")
    assert walk.progress.closed == "budget"
    assert walk.running == ["panel/b"]


def test_budget_lets_calls_in_flight_finish() -> None:
    """semantics 4: on a budget stop calls in flight finish (they are reserved)."""
    walk = Walk(JUDGED)
    walk.finish("panel/a", "one")
    walk.close("budget")
    assert walk.cancelled == []
    walk.finish("panel/b", "two")
    assert walk.texts("panel") == ["one", "two"]
    assert walk.says("judged") == "cancelled budget"
    assert walk.running == ["answer"]


def test_budget_needs_one_member_only() -> None:
    """semantics 4: a budget stop closes the plan as a deadline does: one usable member suffices."""
    walk = Walk(JUDGED)
    walk.close("budget")
    walk.fail("panel/a", "budget")
    walk.finish("panel/b", "two")
    assert walk.texts("panel") == ["two"]


def test_condition_on_a_node_cut_by_the_deadline_is_false() -> None:
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        judged: {kind: judge, model: m/j, inputs: [a]}
        c: {kind: synth, model: m/c, inputs: [a], when: {judged.contradictions: {equals: 0}}}
        d: {kind: fallback, inputs: [c, a]}
        """)
    walk.finish("a")
    walk.close("deadline")
    assert walk.says("c") == "skipped when"
    assert walk.says("d") == "ok"


def test_alternative_that_does_not_write_is_not_begun_after_close() -> None:
    """semantics 4: after the plan closed nothing but a writer starts."""
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        other: {kind: layer, models: [m/x, m/y]}
        final: {kind: fallback, inputs: [a, other]}
        """)
    walk.close("deadline")
    walk.fail("a")
    assert walk.says("other") == "failed deadline"
    assert walk.started == ["a"]


# --- the opening ------------------------------------------------------------------------------------------------------


def test_opening_is_shared_but_not_its_state() -> None:
    """One plan, many runs: what a run changes is its own."""
    bound = bound_of(JUDGED)
    first, second = Walk(bound), Walk(bound)
    first.fail("panel/a")
    assert first.says("panel") == "failed quorum_not_met"
    assert second.says("panel") == "open"
    assert Walk(bound).started == second.started == ["panel/a", "panel/b"]


def test_starts_come_in_file_order() -> None:
    """semantics 1: order comes from the file."""
    walk = Walk("""
        z: {kind: proposer, model: m/z}
        y: {kind: proposer, model: m/y}
        c: {kind: synth, model: m/c, inputs: [y, z]}
        """)
    assert walk.started == ["z", "y"]


def test_long_chains_need_no_recursion() -> None:
    """10,000 nodes in a row, demanded and failed in one breath."""
    specs = [spec(f"n{i}", inputs=[f"n{i - 1}"] if i else []) for i in range(10_000)]
    walk = Walk(bound_specs(specs))
    walk.fail("n0")
    assert walk.says("n9999") == "failed upstream:n9998"


def test_analysis_type_is_read_by_field() -> None:
    """semantics 1: a list compares by its length."""
    assert len(Analysis(consensus=("x",)).consensus) == 1
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        judged: {kind: judge, model: m/j, inputs: [a]}
        c: {kind: synth, model: m/c, inputs: [a], when: {judged.consensus: {equals: 1}}}
        """)
    walk.finish("a")
    walk.finish("judged", TWO_SIDES)
    assert walk.running == ["c"]
