"""Deadline, budget and the end of a run, by hand (semantics 4)."""

from __future__ import annotations

from tests.graph.graphs import PAIR
from tests.graph.walk import Walk

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
    walk.close("deadline")
    running = walk.running
    walk.close("budget")
    assert (walk.progress.closed, walk.running) == ("deadline", running)


def test_reserve_holds_after_a_budget_stop() -> None:
    """semantics 4: calls in flight finish after a budget stop, but not in the time that is kept for the writer."""
    walk = Walk(JUDGED)
    walk.finish("panel/a")
    walk.close("budget")
    assert walk.running == ["panel/b"]
    walk.close("deadline")
    assert walk.says("panel/b") == "cancelled deadline"


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


def test_nothing_starts_after_the_end() -> None:
    """semantics 4 (5): at `deadline_s` all calls end; what they made ready does not begin."""
    walk = Walk("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b, inputs: [a]}
        final: {kind: fallback, inputs: [b, a]}
        """)
    walk.end("deadline")
    assert walk.says("b") == "cancelled deadline"
    assert walk.started == ["a"]
    assert walk.says("final") == "failed deadline"


def test_deadline_reaches_a_deep_nest_without_recursion() -> None:
    """Fifteen hundred joins, each of the one before: what none of them can get without a call is not waited for."""
    nodes = ["a: {kind: proposer, model: m/a}", "g0: {kind: layer, members: [a]}"]
    nodes += [f"g{n}: {{kind: layer, members: [g{n - 1}]}}" for n in range(1, 1500)]
    walk = Walk("\n".join([*nodes, "final: {kind: fallback, inputs: [g1499]}"]))
    walk.progress.close("deadline")
    assert walk.says("g1499") == "failed deadline"
