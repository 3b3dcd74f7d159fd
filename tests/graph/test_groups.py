"""Joins by hand: quorum, grace and depths (semantics 1, 2 and 5)."""

from __future__ import annotations

import pytest

from fusion_graph.outputs import Outcome
from tests.graph.walk import NEVER, Walk

OUT = "\nout: {kind: synth, model: m/w, inputs: [panel]}"


def panel(**options: object) -> str:
    """A layer of three with these options, read by one synth."""
    written = "".join(f", {key}: {value}" for key, value in options.items())
    return f"panel: {{kind: layer, models: [m/a, m/b, m/c]{written}}}{OUT}"


def votes(samples: int, **options: object) -> str:
    written = "".join(f", {key}: {value}" for key, value in options.items())
    return f"panel: {{kind: sample, model: m/a, samples: {samples}, extract: last_number{written}}}{OUT}"


# --- quorum -----------------------------------------------------------------------------------------------------------


def test_absent_quorum_waits_for_all() -> None:
    """semantics 2: quorum absent = wait for all, need one."""
    walk = Walk(panel())
    walk.finish("panel/c", "C")
    walk.fail("panel/a")
    assert walk.says("panel") == "open"
    walk.fail("panel/b")
    assert walk.texts("panel") == ["C"]


def test_absent_quorum_fails_with_none() -> None:
    walk = Walk(panel())
    for member in ("panel/a", "panel/b", "panel/c"):
        walk.fail(member)
    assert walk.says("panel") == "failed quorum_not_met"
    assert walk.says("out") == "failed upstream:panel"


def test_quorum_goes_on_with_n() -> None:
    """semantics 2: `quorum: n` = go on with n."""
    walk = Walk(panel(quorum=2))
    walk.finish("panel/c", "C")
    assert walk.says("panel") == "open"
    walk.finish("panel/a", "A")
    assert walk.says("panel") == "ok"
    assert walk.says("panel/b") == "cancelled late"
    assert walk.late("panel") == ["panel/b"]


def test_quorum_fails_below_n_at_once() -> None:
    """semantics 1: quorum out of reach = group failed `quorum_not_met`, at once."""
    walk = Walk(panel(quorum=2))
    walk.fail("panel/a")
    assert walk.says("panel") == "open"
    walk.fail("panel/b")
    assert walk.says("panel") == "failed quorum_not_met"
    assert walk.says("panel/c") == "cancelled not_needed"


def test_quorum_all_needs_every_member() -> None:
    """semantics 2: `all` = every member."""
    walk = Walk(panel(quorum="all"))
    walk.finish("panel/a")
    walk.fail("panel/b")
    assert walk.says("panel") == "failed quorum_not_met"


def test_members_stand_in_file_order() -> None:
    """semantics 1: drafts in a join stand in member order."""
    walk = Walk(panel())
    for member in ("panel/c", "panel/a", "panel/b"):
        walk.finish(member, member[-1])
    assert walk.texts("panel") == ["a", "b", "c"]


@pytest.mark.parametrize(("quorum", "says"), [("2", "ok"), ("all", "ok"), ("3", "failed quorum_not_met")])
def test_skipped_member_counts_neither_way(quorum: str, says: str) -> None:
    """semantics 1: a skipped member is neither for nor against."""
    walk = Walk(f"""
        a: {{kind: proposer, model: m/a}}
        b: {{kind: proposer, model: m/b}}
        s: {{kind: proposer, model: m/s, when: {{params.go: {{equals: true}}}}}}
        panel: {{kind: layer, members: [a, b, s], quorum: {quorum}}}
        out: {{kind: synth, model: m/w, inputs: [panel]}}
        """, params=NEVER)  # fmt: skip
    for member in ("a", "b"):
        if member in walk.running:
            walk.finish(member)
    assert walk.says("panel") == says


def test_all_skipped_group_is_skipped() -> None:
    """semantics 1: all skipped = group skipped."""
    walk = Walk(
        """
        base: {kind: proposer, model: m/x}
        panel: {kind: layer, models: [m/a, m/b], when: {params.go: {equals: true}}}
        out: {kind: fallback, inputs: [panel, base]}
        """,
        params=NEVER,
    )
    assert walk.says("panel").startswith("skipped upstream:panel/")
    assert walk.running == ["base"]


def test_cancelled_member_counts_against() -> None:
    """semantics 1: group member, failed or cancelled: against."""
    walk = Walk(panel(quorum=3))
    walk.progress.finished(0, Outcome("cancelled", None, "x"))
    assert walk.says("panel") == "failed quorum_not_met"


# --- grace ------------------------------------------------------------------------------------------------------------


def test_grace_waits_for_stragglers() -> None:
    """semantics 2: go on with n, after `grace_s`."""
    walk = Walk(panel(quorum=2, grace_s=8))
    walk.finish("panel/a", "A")
    assert walk.seconds("grace", "panel") == []
    walk.finish("panel/b", "B")
    assert walk.seconds("grace", "panel") == [8]
    assert walk.says("panel") == "open"
    walk.fire("grace", "panel")
    assert walk.texts("panel") == ["A", "B"]
    assert walk.late("panel") == ["panel/c"]


def test_straggler_within_grace_counts() -> None:
    walk = Walk(panel(quorum=1, grace_s=8))
    walk.finish("panel/b", "B")
    walk.finish("panel/a", "A")
    assert walk.seconds("grace", "panel") == [8]
    walk.fail("panel/c")
    assert walk.texts("panel") == ["A", "B"]
    walk.fire("grace", "panel")
    assert walk.late("panel") == []


def test_all_in_needs_no_grace() -> None:
    walk = Walk(panel(quorum=3, grace_s=8))
    for member in ("panel/a", "panel/b", "panel/c"):
        walk.finish(member)
    assert walk.armed == {}
    assert walk.says("panel") == "ok"


def test_quorum_closes_once() -> None:
    """semantics 2: a quorum closes on the join node, once; every consumer reads that list."""
    walk = Walk("""
        panel: {kind: layer, models: [m/a, m/b], quorum: 1}
        x: {kind: proposer, model: m/x, inputs: [panel/b]}
        out: {kind: synth, model: m/w, inputs: [panel, 'x?']}
        """)
    walk.finish("panel/a", "A")
    assert walk.late("panel") == ["panel/b"]
    walk.finish("panel/b", "B")
    assert walk.texts("panel") == ["A"]


def test_straggler_wanted_elsewhere_runs_on() -> None:
    """semantics 1: a straggler that another node wants runs on and may end ok; the join's list does not change."""
    walk = Walk("""
        panel: {kind: layer, models: [m/a, m/b], quorum: 1}
        x: {kind: proposer, model: m/x, inputs: [panel/b]}
        out: {kind: synth, model: m/w, inputs: [panel, 'x?']}
        """)
    walk.finish("panel/a")
    assert walk.cancelled == []
    walk.finish("panel/b")
    assert walk.says("panel/b") == "ok"
    assert "x" in walk.running


def test_grace_is_over_when_the_plan_closes() -> None:
    """semantics 4 (1): its timers die."""
    walk = Walk(panel(quorum=1, grace_s=8) + "\nfinal: {kind: fallback, inputs: [out, panel]}")
    walk.finish("panel/a", "A")
    walk.close("budget")
    walk.fire("grace", "panel")
    assert walk.says("panel") == "open"
    walk.finish("panel/b", "B")
    walk.finish("panel/c", "C")
    assert walk.texts("panel") == ["A", "B", "C"]


# --- depths -----------------------------------------------------------------------------------------------------------


def test_depth_reads_the_join_before() -> None:
    """semantics 5: `inputs` feed depth 1, depth d reads the join of d-1."""
    walk = Walk(panel(repeat=2))
    assert walk.running == ["panel/l1/a", "panel/l1/b", "panel/l1/c"]
    for member in list(walk.running):
        walk.finish(member)
    assert walk.running == ["panel/a", "panel/b", "panel/c"]


def test_empty_depth_hands_on_the_one_before() -> None:
    """semantics 5: a depth that ends with nothing hands on the drafts of the depth before."""
    walk = Walk(panel(repeat=2))
    for member in list(walk.running):
        walk.finish(member, f"first {member[-1]}")
    for member in list(walk.running):
        walk.fail(member)
    assert walk.texts("panel") == ["first a", "first b", "first c"]
    assert walk.running == ["out"]


def test_empty_first_depth_fails() -> None:
    walk = Walk(panel(repeat=2))
    for member in list(walk.running):
        walk.fail(member)
    assert walk.says("panel/l1") == "failed quorum_not_met"
    assert walk.says("panel/a") == "failed upstream:panel/l1"
    assert walk.says("panel") == "failed quorum_not_met"


def test_cut_depth_hands_on_the_one_before() -> None:
    """semantics 4 (1) meets semantics 5: a deeper layer that the deadline leaves empty."""
    walk = Walk(panel(repeat=2))
    for member in list(walk.running):
        walk.finish(member, f"first {member[-1]}")
    walk.close("deadline")
    assert walk.texts("panel") == ["first a", "first b", "first c"]


def test_groups_of_groups_count_members() -> None:
    """semantics 5: the layer's quorum counts members, not samples; its value lists all drafts."""
    walk = Walk(panel(samples=2, quorum=2))
    walk.finish("panel/a/1", "a1")
    walk.finish("panel/a/2", "a2")
    assert walk.says("panel") == "open"
    walk.fail("panel/c/1")
    walk.finish("panel/c/2", "c2")
    assert walk.texts("panel") == ["a1", "a2", "c2"]
    assert walk.says("panel/b") == "skipped not_needed"
    assert walk.says("panel/b/1") == "cancelled not_needed"


@pytest.mark.parametrize("quorum", ["quorum: 2", "quorum: all", "quorum: 1", "grace_s: 0"])
def test_group_of_skipped_members_is_skipped_whatever_its_quorum(quorum: str) -> None:
    """semantics 1: neither for nor against; all skipped = group skipped"""
    nodes = f"p: {{kind: layer, models: [m/a, m/b], {quorum}, when: {{params.go: {{equals: true}}}}}}\n"
    walk = Walk(nodes + "w: {kind: synth, model: m/w, inputs: [p]}", params=NEVER)
    assert walk.says("p").startswith("skipped")
    assert walk.says("w") == "skipped upstream:p"


def test_skip_beside_a_call_that_runs_may_fail_a_group() -> None:
    """semantics 1: quorum out of reach = group failed, at once: what runs can be skipped no more"""
    nodes = """
        a: {kind: proposer, model: m/a, when: {params.go: {equals: true}}}
        b: {kind: proposer, model: m/b}
        p: {kind: layer, members: [a, b], quorum: 2}
        f: {kind: fallback, inputs: [p]}
        """
    walk = Walk(nodes, params=NEVER)
    assert walk.says("p") == "failed quorum_not_met"
    assert walk.started == []
