"""Counting in code."""

from __future__ import annotations

import pytest

from fusion_graph.kinds._scoring import count_votes, median, scores_of, sort_by_score
from fusion_graph.outputs import Scores
from tests.kinds.scripted import draft, drafts, inputs

A, B, C = drafts("a", "b", "c").items


@pytest.mark.parametrize(
    ("answers", "winner", "votes", "runner_up"),
    [
        (["1", "2", "2"], "n1", 2, 1),
        (["1", "2"], "n0", 1, 1),
        ([None, "2", "1", "1", "2"], "n1", 2, 2),
        (["1", "1"], "n0", 2, 0),
    ],
)
def test_most_frequent_answer_wins(answers: list[str | None], winner: str, votes: int, runner_up: int) -> None:
    tally = count_votes((draft(f"n{i}"), answer) for i, answer in enumerate(answers))
    assert tally is not None
    assert (tally.draft.node, tally.votes, tally.next) == (winner, votes, runner_up)


def test_no_answer_is_an_abstention() -> None:
    """semantics 1: no answer = an abstention."""
    assert count_votes([(A, None), (B, None)]) is None


def test_one_judge_counts_as_it_is() -> None:
    scores = Scores(mode="rank", by_node={"a": 2.0, "b": 0.5})
    assert scores_of(inputs(panel=drafts("a", "b"), ranking=scores)) == scores.by_node


def test_several_scorers_give_the_median() -> None:
    """semantics 2: several judges: median score, or mean rank (Borda)."""
    tables = [{"a": 1.0, "b": 9.0}, {"a": 2.0}, {"a": 9.0, "b": 4.0}]
    judges = inputs(**{f"j{i}": Scores(mode="score", by_node=t) for i, t in enumerate(tables)})
    assert scores_of(judges) == {"a": 2.0, "b": 6.5}


def test_rankings_are_compared_by_share_of_rivals_beaten() -> None:
    """semantics 2: mean rank (Borda), also of judges that saw different numbers of drafts."""
    judges = inputs(
        one=Scores(mode="rank", by_node={"a": 2.0, "b": 1.0, "c": 0.0}),
        two=Scores(mode="rank", by_node={"b": 1.0, "c": 0.0}),
        alone=Scores(mode="rank", by_node={"c": 0.0}),
    )
    assert scores_of(judges) == {"a": 1.0, "b": 0.75, "c": 0.0}


def test_scores_beside_rankings_become_ranks() -> None:
    judges = inputs(
        one=Scores(mode="score", by_node={"a": 9.0, "b": 9.0, "c": 1.0}),
        two=Scores(mode="rank", by_node={"a": 0.0, "b": 1.0, "c": 2.0}),
    )
    assert scores_of(judges) == {"a": 0.375, "b": 0.625, "c": 0.5}


def test_without_judges_there_are_no_scores() -> None:
    assert scores_of(inputs(panel=drafts("a"))) == {}


def test_best_comes_first_and_ties_stay() -> None:
    ordered = sort_by_score([A, B, C], {"b": 2.0, "c": 2.0})
    assert [d.node for d in ordered] == ["b", "c", "a"]


def test_median_of_an_even_number_lies_between() -> None:
    assert (median([3.0]), median([1.0, 4.0]), median([9.0, 1.0, 2.0])) == (3.0, 2.5, 2.0)
