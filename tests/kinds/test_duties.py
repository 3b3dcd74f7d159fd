"""What a judge is asked for: the same form is sent that its bound node announces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from fusion_graph.kinds import KINDS
from fusion_graph.kinds._duties import DUTIES
from tests.kinds.scripted import Scripted, drafts, inputs, make_node, run

TWO = inputs(panel=drafts("a", "b"))
LISTS = ("consensus", "contradictions", "partial_coverage", "unique_insights", "blind_spots")
REPLIES: Mapping[str, Mapping[str, Any]] = {
    "analyze": {name: [] for name in LISTS},
    "score": {"scores": {"A": 5, "B": 7}},
    "rank": {"reason": "", "ranking": ["A", "B"]},
    "select": {"reason": "", "choice": "A"},
}


@pytest.mark.parametrize("mode", sorted(DUTIES))
async def test_first_call_sends_the_form_that_was_announced(mode: str) -> None:
    node = make_node("judge", mode=mode)
    ctx = Scripted(node, TWO, REPLIES[mode])
    await run(ctx)
    assert ctx.asks[0].response_format is KINDS["judge"].response_format(node.options)


async def test_pairs_have_a_form_of_their_own() -> None:
    node = make_node("judge", mode="select", compare="pairs")
    ctx = Scripted(node, TWO, {"reason": "", "winner": "A"})
    await run(ctx)
    assert ctx.asks[0].response_format is KINDS["judge"].response_format(node.options)


async def test_labels_stand_for_the_drafts_that_are_shown() -> None:
    ctx = Scripted(make_node("judge", mode="select"), TWO, {"choice": "Draft B"}, order=("b", "a"))
    assert (await run(ctx)).node == "a"
