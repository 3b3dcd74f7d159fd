"""Questions that wait for their replies, one and many."""

from __future__ import annotations

import gc

import pytest

from fusion_graph.errors import NodeFailed
from fusion_graph.kinds._asking import ask_all, ask_one
from fusion_graph.kinds._ladder import Question
from tests.kinds.scripted import Scripted
from tests.kinds.test_ladder import ASKED, FORM, read, scripted


def question(begin: int = 0) -> Question[float]:
    return Question(ASKED, read, FORM, repair=1, begin=begin)


async def test_other_failures_pass() -> None:
    ctx = scripted(NodeFailed("rate_limited", "busy"))
    with pytest.raises(NodeFailed, match="rate_limited"):
        await ask_one(ctx, question())


async def test_many_climb_side_by_side() -> None:
    ctx = scripted('{"n": 0}', "prose", NodeFailed("rate_limited"), '{"n": 3}', '{"n": 1}')
    found = await ask_all(ctx, [question(begin) for begin in range(4)])
    assert [str(f) if isinstance(f, NodeFailed) else f for f in found] == [0, 1, "rate_limited", 3]
    assert [ask.round for ask in ctx.asks] == [0, 1, 2, 3, 1]


async def test_refused_format_is_left_out_of_that_one_alone() -> None:
    ctx = scripted(NodeFailed("bad_request"), '{"n": 2}', '{"n": 1}')
    assert await ask_all(ctx, [question(), question(1)]) == [1, 2]
    assert [ask.response_format is None for ask in ctx.asks] == [False, False, True]


async def _abstain(ctx: Scripted) -> str:
    try:
        await ask_one(ctx, question())
    except NodeFailed as failed:
        return failed.reason
    return ""


async def test_an_abstained_one_leaves_nothing_to_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        assert await _abstain(scripted("prose", "prose")) == "abstained"
        assert gc.collect() == 0
    finally:
        gc.enable()
