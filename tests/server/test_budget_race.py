"""A hundred runs at once on one key's budget never pass it together, as long as no reply costs more than its worst case
by the price table: what a run sets aside is all that anybody knows before it."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from fusion_graph.providers._sim.server import SimOptions
from fusion_graph.server._auth import Key, digest_of
from tests.server.stand import UPSTREAM_KEY, stand

RAW = "k" * 20
RUNS = 100
USD_PER_MTOK = 1_000.0
SHORT = """
version: 1
name: one
defaults: {retry: {attempts: 1}, max_tokens: 400}
nodes: {answer: {kind: proposer, model: w/w}}
output: answer
"""


async def race(budget_usd: float) -> tuple[Counter[int], list[float], float]:
    """Statuses, what each run that was let in cost, and what the key's day says."""
    key = Key(name="alice", digest=digest_of(RAW), budget_usd_per_day=budget_usd)
    upstream = SimOptions(api_key=UPSTREAM_KEY, usd_per_mtok=USD_PER_MTOK)
    async with stand(None, SHORT, keys=[key], raw_key=RAW, upstream=upstream) as at:
        answers = await asyncio.gather(*(at.ask(model="one") for _ in range(RUNS)))
        costs = [body["fusion"]["cost_usd"] for status, body in answers if status == 200]
        assert len(at.upstream.received) == len(costs)
        return Counter(status for status, _ in answers), costs, at.server.service.limits.account(key).spent


@pytest.mark.parametrize("budget_usd", [0.005, 0.05, 0.5])
async def test_hundred_runs_at_once_keep_one_budget(budget_usd: float) -> None:
    statuses, costs, spent = await race(budget_usd)
    assert set(statuses) <= {200, 429}
    assert statuses[200] == len(costs) < RUNS
    assert spent == pytest.approx(sum(costs))
    assert spent <= budget_usd


async def test_budget_with_room_for_all_lets_all_in() -> None:
    assert (await race(50.0))[0] == {200: RUNS}
