"""judge: drafts against each other, and votes that are counted in code."""

from __future__ import annotations

import pytest

from fusion_graph.errors import NodeFailed
from fusion_graph.outputs import Drafts, Vote
from tests.kinds.scripted import draft, inputs, run
from tests.kinds.test_judge import judging

# --- pairs ------------------------------------------------------------------------------------------------------------


def winner(label: str) -> dict[str, str]:
    return {"reason": "", "winner": label}


async def test_pairs_are_counted_in_code() -> None:
    """semantics 2: pairs = n(n-1)/2 calls, won pairs counted in code."""
    ctx = judging(winner("A"), winner("C"), winner("C"), mode="rank", compare="pairs")
    assert (await run(ctx)).by_node == {"a": 1, "b": 0, "c": 2}
    assert len(ctx.asks) == 3
    assert "text of c" not in ctx.prompts[0]


async def test_pairs_in_both_orders_are_doubled() -> None:
    """semantics 2: doubled by `both_orders`; disagreement is a tie."""
    replies = [winner("A"), winner("B"), winner("A"), winner("A"), winner("tie"), winner("tie")]
    ctx = judging(*replies, mode="rank", compare="pairs", both_orders=True)
    assert (await run(ctx)).by_node == {"a": 1.5, "b": 1.0, "c": 0.5}
    assert len(ctx.asks) == 6
    assert ctx.prompts[0].index("text of a") < ctx.prompts[0].index("text of b")
    assert ctx.prompts[1].index("text of b") < ctx.prompts[1].index("text of a")


async def test_lost_pair_counts_for_nobody() -> None:
    ctx = judging(NodeFailed("timeout_idle"), winner("A"), winner("B"), mode="rank", compare="pairs")
    assert (await run(ctx)).by_node == {"a": 2, "b": 2, "c": 0}
    assert [reason for reason, _, _ in ctx.degraded] == ["timeout_idle"]


async def test_no_pair_at_all_is_a_failure() -> None:
    with pytest.raises(NodeFailed, match="timeout_idle"):
        await run(judging(*[NodeFailed("timeout_idle")] * 3, mode="rank", compare="pairs"))


async def test_pairs_select_the_one_that_won_most() -> None:
    ctx = judging(winner("B"), winner("C"), winner("B"), mode="select", compare="pairs")
    assert (await run(ctx)).node == "b"


async def test_unfit_comparison_is_mended_alone() -> None:
    ctx = judging(winner("A"), winner("B"), winner("C"), winner("A"), mode="rank", compare="pairs")
    assert (await run(ctx)).by_node == {"a": 2, "b": 0, "c": 1}
    assert "the labels are A, C" in ctx.prompts[3]


# --- vote -------------------------------------------------------------------------------------------------------------


async def test_vote_is_counted_without_a_model() -> None:
    """design 2: `vote` computes in code over extracted answers, never asks a model to count."""
    votes = Drafts((draft("v/1", answer="1"), draft("v/2", answer="2"), draft("v/3", answer="2"), draft("v/4")))
    ctx = judging(sources=inputs(votes=votes), mode="vote")
    assert await run(ctx) == Vote(draft=votes.items[1], agreement=0.5, margin=0.25)
    assert ctx.asks == []
    assert ctx.node.model is None


async def test_vote_reads_answers_itself_where_drafts_have_none() -> None:
    """semantics 1: a vote judge may have `extract` when the drafts have none."""
    votes = Drafts((draft("v/1", "so 7"), draft("v/2", "it is 7.0"), draft("v/3", "8", answer="9")))
    found = await run(judging(sources=inputs(votes=votes), mode="vote", extract="last_number"))
    assert (found.draft, found.agreement) == (votes.items[0], 2 / 3)


async def test_vote_without_answers_abstains() -> None:
    """semantics 1: no answer = an abstention."""
    with pytest.raises(NodeFailed, match="abstained"):
        await run(judging(mode="vote"))


async def test_vote_counts_a_draft_once() -> None:
    votes = Drafts((draft("v/1", answer="1"), draft("v/2", answer="2"), draft("v/3", answer="2")))
    again = draft("v/1", answer="1")
    ctx = judging(sources=inputs(votes=votes, again=again), mode="vote")
    assert (await run(ctx)).draft.node == "v/2"
