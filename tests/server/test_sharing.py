"""Two requests in flight with the same idempotency key and body share one run. `_sharing` joins them."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.server.stand import ONE, Stand, stand

SAME: Any = {"model": "one", "headers": {"Idempotency-Key": "k1"}}


async def begun(at: Stand, **more: Any) -> asyncio.Task[tuple[int, dict[str, Any]]]:
    """A request whose call has arrived upstream."""
    task = asyncio.create_task(at.ask(**{**SAME, **more}))
    await at.upstream.sim.called("w/w")
    return task


async def test_one_run_for_both() -> None:
    gate = asyncio.Event()
    async with stand({"w/w": (gate, "done")}, ONE) as at:
        first = await begun(at)
        second = asyncio.create_task(at.ask(**SAME))
        await asyncio.sleep(0.05)
        gate.set()
        assert await first == await second
        assert len(at.upstream.received) == 1
        await at.ask(**SAME)  # a later one is a new run
        assert len(at.upstream.received) == 2


async def test_another_body_is_refused() -> None:
    gate = asyncio.Event()
    async with stand({"w/w": (gate, "done")}, ONE) as at:
        first = await begun(at)
        status, body = await at.ask(**SAME, seed=1)
        gate.set()
        await first
    assert (status, body["error"]["param"]) == (400, "Idempotency-Key")


async def test_who_comes_second_takes_over() -> None:
    async with stand({"w/w": [(asyncio.Event(),), "done"]}, ONE) as at:
        first = await begun(at)
        second = asyncio.create_task(at.ask(**SAME))
        await asyncio.sleep(0.05)
        first.cancel()
        assert (await second)[0] == 200


async def test_failure_is_shared_too() -> None:
    gate = asyncio.Event()
    async with stand({"w/w": (gate, " ")}, ONE) as at:
        first = await begun(at)
        second = asyncio.create_task(at.ask(**SAME))
        await asyncio.sleep(0.05)
        gate.set()
        assert [(await task)[0] for task in (first, second)] == [502, 502]
        assert len(at.upstream.received) == 1
