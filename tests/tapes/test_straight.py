"""A run that meets its models with nobody in between."""

from __future__ import annotations

import asyncio

from fusion_graph import settings
from fusion_graph.tapes.straight import Straight
from tests.store.taped import asked, play


def test_a_straight_run_is_what_was_asked_for() -> None:
    async def work() -> tuple[str, list[str], int | None]:
        deck = Straight(asked("answer: {kind: proposer, model: m/a@sim}", seed=3, deadline_s=9.0))
        ready = await deck.prepare(settings.load({}))
        request = deck.request(ready, run_id="run", fence="fence")
        assert (request.run_id, request.fence, request.limits and request.limits.deadline_s) == ("run", "fence", 9.0)
        run = await play(deck, ready, deck.prices(None))
        return run.result.state, run.told, request.seed

    assert asyncio.run(work()) == ("ok", [], 3)
