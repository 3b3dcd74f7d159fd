"""Fallbacks by hand: one option after the other, and the aids of groups (semantics 1 and 2)."""

from __future__ import annotations

from tests.graph.graphs import NESTED, THREE
from tests.graph.walk import NEVER, Walk, bound_specs, scores, spec

PLAIN = THREE + "final: {kind: fallback, inputs: [one, two, three]}"


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
    walk = Walk(NESTED)
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


def test_deep_nest_is_committed_without_recursion() -> None:
    """A thousand fallbacks, each the first option of the next: the text that has begun to arrive binds them all."""
    depth = 1500
    specs = [spec("f0"), spec("spare")]
    specs += [spec(f"f{n}", "fallback", [f"f{n - 1}", "spare"]) for n in range(1, depth)]
    walk = Walk(bound_specs(specs))
    walk.progress.first_content(0)
    assert len(walk.progress.choosing.committed) == depth - 1


def test_many_options_that_ended_before_are_passed_over_without_recursion() -> None:
    """Another fallback has asked them all; this one is asked later, and takes the first that is left."""
    many = range(700)
    specs = [spec(f"p{n}") for n in many] + [spec("last")]
    specs += [spec("first", "fallback", [f"p{n}" for n in many])]
    specs += [spec("second", "fallback", [*(f"p{n}" for n in many), "last"], after=["first"])]
    walk = Walk(bound_specs(specs))
    for n in many:
        walk.fail(f"p{n}")
    assert walk.says("first") == "failed no_usable_option"
    assert walk.running == ["last"]
    walk.finish("last", "text")
    assert walk.texts("second") == ["text"]
