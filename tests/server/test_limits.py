"""What a key may spend: requests a minute, runs at once, dollars a day."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from fusion_graph.server._auth import Key, digest_of
from fusion_graph.server._errors import Refused
from fusion_graph.server._limits import Limits
from tests.server.stand import stand

RAW = "k" * 20


def key(**rights: object) -> Key:
    return Key(name="alice", digest=digest_of(RAW), **rights)  # type: ignore[arg-type]


async def test_requests_per_minute_say_when() -> None:
    now = [1000.0]
    limits, alice = Limits(lambda: now[0]), key(requests_per_minute=2)
    await limits.count(alice)
    now[0] += 20
    await limits.count(alice)
    with pytest.raises(Refused) as refused:
        await limits.count(alice)
    assert refused.value.lines == "Retry-After: 41\r\n"
    now[0] += 41
    await limits.count(alice)


async def test_budget_is_set_aside_before() -> None:
    # security 14: 50 parallel requests on a budget for 10 start at most 10
    limits, alice = Limits(), key(budget_usd_per_day=10.0)
    async with AsyncExitStack() as runs:
        for _ in range(10):
            await runs.enter_async_context(limits.run(alice, 1.0))
        with pytest.raises(Refused) as refused:
            await runs.enter_async_context(limits.run(alice, 1.0))
    assert (refused.value.http_status, "x-should-retry: false\r\n" in refused.value.lines) == (429, True)


async def test_cost_replaces_the_worst_case() -> None:
    limits, alice = Limits(), key(budget_usd_per_day=1.0)
    for _ in range(5):
        async with limits.run(alice, 0.9) as purse:
            purse.cost_usd = 0.01
    async with limits.run(alice, 0.9):  # nobody knows what it cost: the worst case counts
        pass
    with pytest.raises(Refused):
        async with limits.run(alice, 0.9):
            pass


async def test_budget_is_new_every_day() -> None:
    now = [0.0]
    limits, alice = Limits(lambda: now[0]), key(budget_usd_per_day=1.0)
    async with limits.run(alice, 1.0):
        pass
    now[0] = 86_400.0
    async with limits.run(alice, 1.0):
        pass


async def test_unknown_price_breaks_no_budget() -> None:
    with pytest.raises(Refused, match="price"):
        async with Limits().run(key(budget_usd_per_day=1.0), None):
            pass


@pytest.mark.parametrize("stream", [False, True])
async def test_cancelled_run_costs_what_it_did(stream: bool) -> None:
    # the worst case of one run is far above what its finished calls cost
    rights = key(budget_usd_per_day=1.0)
    async with stand({"w/w": (asyncio.Event(),)}, keys=[rights]) as at:
        asking = asyncio.create_task(at.ask(stream=stream, headers={"x-api-key": RAW}))
        await at.upstream.sim.called("w/w")
        asking.cancel()
        await asyncio.wait([asking])
        await at.settled()
        account = at.server.service.limits.account(rights)
        assert 0 < account.spent < at.server.service.shelf.find("fusion").forecast.cost.worst  # type: ignore[union-attr, operator]
        assert account.reserved == 0
        assert at.log[-1]["state"] == "cancelled"


async def test_runs_at_once_are_bounded() -> None:
    gate = asyncio.Event()
    async with stand({"w/w": (gate, "done")}, keys=[key(max_runs=1)]) as at:
        first = asyncio.create_task(at.ask(headers={"x-api-key": RAW}))
        await at.upstream.sim.called("w/w")
        status, body = await at.ask(headers={"x-api-key": RAW})
        gate.set()
        assert (await first)[0] == 200
        assert (await at.ask(headers={"x-api-key": RAW}))[0] == 200
    assert (status, body["error"]["code"]) == (429, "rate_limit_exceeded")
