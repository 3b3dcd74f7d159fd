"""outputs: what nodes give, and the fields a `when` may read."""

from __future__ import annotations

import pytest

from fusion_graph.outputs import FIELDS, Analysis, Draft, Drafts, Gives, Scores, Value, Vote, drafts_of


def draft(node: str, answer: str | None = None) -> Draft:
    return Draft(text=f"text of {node}", node=node, answer=answer)


SAMPLES: dict[Gives, Value] = {
    "draft": draft("a"),
    "drafts": Drafts((draft("a"),)),
    "analysis": Analysis(),
    "scores": Scores(mode="score", by_node={"a": 1.0}),
    "vote": Vote(draft=draft("a"), agreement=1.0, margin=1.0),
}


@pytest.mark.parametrize("gives", FIELDS)
def test_every_field_is_a_property(gives: Gives) -> None:
    for field in FIELDS[gives]:
        assert isinstance(getattr(SAMPLES[gives], field), int | float | bool | tuple)


def test_agreement_counts_all_with_a_value() -> None:
    """semantics 1: agreement = members of the largest answer / members with a value."""
    assert Drafts((draft("a", "4"), draft("b", "4"), draft("c", "5"), draft("d"))).agreement == 0.5
    assert Drafts((draft("a"), draft("b"))).agreement == 0.0
    assert Drafts(()).agreement == 0.0


def test_count_is_the_number_of_drafts() -> None:
    assert Drafts((draft("a"), draft("b"))).count == 2


def test_margin_is_best_minus_second() -> None:
    assert Scores(mode="score", by_node={"a": 7.0, "b": 9.0, "c": 4.0}).margin == 2.0
    assert Scores(mode="score", by_node={"a": 7.0}).margin == 7.0
    assert Scores(mode="rank").margin == 0.0


def test_best_score_of_none_is_zero() -> None:
    assert Scores(mode="score").best_score == 0.0
    assert Scores(mode="score", by_node={"a": 7.0, "b": 9.0}).best_score == 9.0


def test_cut_draft_is_truncated() -> None:
    assert Draft(text="half", node="a", finish_reason="length").truncated
    assert not draft("a").truncated
    assert draft("a").chars == len("text of a")


def test_vote_speaks_for_its_draft() -> None:
    vote = Vote(draft=draft("a"), agreement=0.8, margin=0.6)
    assert (vote.truncated, vote.chars) == (False, len("text of a"))


def test_drafts_of_each_value() -> None:
    assert drafts_of(SAMPLES["draft"]) == drafts_of(SAMPLES["drafts"]) == drafts_of(SAMPLES["vote"]) == (draft("a"),)
    assert drafts_of(SAMPLES["analysis"]) == drafts_of(SAMPLES["scores"]) == drafts_of(None) == ()
