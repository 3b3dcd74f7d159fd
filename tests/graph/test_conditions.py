"""Judging a `when`: every operator, missing values, lists, parameters (semantics 1)."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.graph.conditions import holds
from fusion_graph.outputs import FIELDS, Analysis, Draft, Drafts, Outcome, Scores, Value, Vote
from fusion_graph.pipeline import AnyOf, Comparison, Condition, FieldRef, NodeId, Operator, Param

DRAFTS = tuple(Draft(text="x" * n, node=f"n{n}", answer=a) for n, a in ((1, "7"), (2, "7"), (3, "8"), (4, None)))


def field(name: str, operator: Operator, operand: Any, node: str = "n") -> Comparison:
    return Comparison(FieldRef(NodeId(node), name), operator, operand)


def judge(test: Comparison | AnyOf, value: Value | None = None, **params: Any) -> bool:
    """One test against one node's value; None: the node has none."""
    outcome = Outcome("ok", value) if value is not None else Outcome("failed", None, "x")
    return holds(Condition((test,)), lambda _node: outcome, params)


@pytest.mark.parametrize(
    ("operator", "below", "equal", "over"),
    [
        ("above", False, False, True),
        ("below", True, False, False),
        ("at_least", False, True, True),
        ("at_most", True, True, False),
        ("equals", False, True, False),
        ("not_equals", True, False, True),
    ],
)
def test_operator_compares(operator: Operator, below: bool, equal: bool, over: bool) -> None:
    answers = [judge(field("count", operator, 3), Drafts(DRAFTS[:n])) for n in (2, 3, 4)]
    assert answers == [below, equal, over]


@pytest.mark.parametrize("operator", ["above", "below", "at_least", "at_most", "equals", "not_equals"])
def test_node_without_value_makes_every_test_false(operator: Operator) -> None:
    """semantics 1: node named in `when`, skipped or failed: condition false, whatever it asks."""
    assert not judge(field("count", operator, 0))
    assert not holds(Condition((field("count", operator, 0),)), lambda _node: None, {})


@pytest.mark.parametrize(
    ("value", "name", "found"),
    [
        (Drafts(DRAFTS), "count", 4),
        (Drafts(DRAFTS), "agreement", 0.5),
        (DRAFTS[1], "truncated", False),
        (DRAFTS[2], "chars", 3),
        (Analysis(consensus=("a", "b")), "consensus", 2),
        (Analysis(contradictions=()), "contradictions", 0),
        (Analysis(partial_coverage=((("A",), "x"),)), "partial_coverage", 1),
        (Analysis(unique_insights=(("A", "x"),)), "unique_insights", 1),
        (Analysis(blind_spots=("x",)), "blind_spots", 1),
        (Scores(mode="score", by_node={"a": 4.0, "b": 7.5}), "best_score", 7.5),
        (Scores(mode="rank", by_node={"a": 4.0, "b": 7.5}), "margin", 3.5),
        (Vote(draft=DRAFTS[0], agreement=0.5, margin=0.25), "agreement", 0.5),
        (Vote(draft=DRAFTS[0], agreement=0.5, margin=0.25), "margin", 0.25),
    ],
)
def test_every_field_can_be_read(value: Value, name: str, found: Any) -> None:
    """semantics 1: the fields of drafts, draft, analysis, scores and vote; a list compares by its length."""
    assert judge(field(name, "equals", found), value)


def test_every_named_field_exists() -> None:
    samples: dict[str, Value] = {
        "draft": DRAFTS[0],
        "drafts": Drafts(DRAFTS),
        "analysis": Analysis(),
        "scores": Scores(mode="score"),
        "vote": Vote(draft=DRAFTS[0], agreement=1.0, margin=1.0),
    }
    assert samples.keys() == FIELDS.keys()
    for gives, names in FIELDS.items():
        assert all(hasattr(samples[gives], name) for name in names)


def test_agreement_counts_members_with_a_value() -> None:
    """semantics 1: `agreement` = members of the largest answer / members with a value."""
    assert Drafts(DRAFTS).agreement == 0.5
    assert Drafts(DRAFTS[3:]).agreement == 0.0
    assert Drafts(()).agreement == 0.0


def test_unknown_field_is_false() -> None:
    assert not judge(field("colour", "not_equals", "red"), DRAFTS[0])


def test_text_is_never_above_a_number() -> None:
    assert not judge(Comparison(Param("mode"), "above", 3), None, mode="fast")
    assert judge(Comparison(Param("mode"), "equals", "fast"), None, mode="fast")


def test_parameter_is_read_and_compared() -> None:
    assert judge(Comparison(Param("k"), "at_least", 2), None, k=2)
    assert judge(field("count", "equals", Param("k")), Drafts(DRAFTS), k=4)
    assert judge(Comparison(Param("models"), "above", 1), None, models=["a", "b"])


def test_all_entries_must_hold() -> None:
    both = Condition((field("chars", "above", 0), field("truncated", "equals", True)))
    assert not holds(both, lambda _node: Outcome("ok", DRAFTS[0]), {})


def test_any_needs_one() -> None:
    long, cut = Condition((field("chars", "above", 9),)), Condition((field("truncated", "equals", False),))
    assert judge(AnyOf((long, cut)), DRAFTS[0])
    assert not judge(AnyOf((long, long)), DRAFTS[0])
    assert not judge(AnyOf(()), DRAFTS[0])


def test_any_may_read_several_nodes() -> None:
    outcomes = {"a": Outcome("failed", None, "x"), "b": Outcome("ok", DRAFTS[0])}
    one = Condition((field("chars", "above", 0, "a"),))
    other = Condition((field("chars", "above", 0, "b"),))
    assert holds(Condition((AnyOf((one, other)),)), outcomes.get, {})
