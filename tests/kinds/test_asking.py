"""Questions that wait for their replies, one and many."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable

import pytest

from fusion_graph.errors import NodeFailed
from fusion_graph.kinds._asking import ask_all, ask_one
from fusion_graph.kinds._ladder import Question
from tests.kinds.scripted import Scripted, drafts, inputs, make_node, run
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


async def _one() -> None:
    await ask_one(scripted("prose", "prose"), question())


async def _scores() -> None:
    await run(Scripted(make_node("judge", mode="score"), inputs(p=drafts("a", "b")), "prose", "prose"))


async def _fails(asking: Callable[[], Awaitable[None]]) -> str:
    try:
        await asking()
    except NodeFailed as failed:
        return failed.reason
    return ""


@pytest.mark.parametrize("asking", [_one, _scores])
async def test_whoever_abstains_leaves_nothing_to_the_collector(asking: Callable[[], Awaitable[None]]) -> None:
    gc.collect()
    gc.disable()
    try:
        assert await _fails(asking) == "abstained"
        assert gc.collect() == 0
    finally:
        gc.enable()
