"""Places and the queue before them."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.server._admission import Admission
from fusion_graph.server._errors import Refused
from tests.server.stand import stand


def admission(*, runs: int = 1, queue: int = 1, queue_s: float = 5.0) -> Admission:
    return Admission(max_runs=runs, max_queue=queue, queue_s=queue_s)


async def hold(places: Admission, gate: asyncio.Event) -> None:
    with await places.place():
        await gate.wait()


async def test_a_place_goes_to_whoever_waits_longest() -> None:
    places, gates, order = admission(queue=2), [asyncio.Event() for _ in range(3)], list[int]()

    async def one(i: int) -> None:
        with await places.place():
            order.append(i)
            await gates[i].wait()

    tasks = [asyncio.create_task(one(i)) for i in range(3)]
    for gate in gates:
        await asyncio.sleep(0)
        gate.set()
    await asyncio.gather(*tasks)
    assert order == [0, 1, 2]
    assert (places.running, places.waiting) == (0, 0)


async def test_full_queue_is_refused() -> None:
    places, gate = admission(queue=0), asyncio.Event()
    task = asyncio.create_task(hold(places, gate))
    await asyncio.sleep(0)
    with pytest.raises(Refused) as refused:
        await hold(places, gate)
    assert (refused.value.http_status, refused.value.lines) == (503, "Retry-After: 5\r\n")
    gate.set()
    await task


async def test_waiting_has_an_end() -> None:
    places, gate = admission(queue_s=0.01), asyncio.Event()
    task = asyncio.create_task(hold(places, gate))
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="in time"):
        await hold(places, gate)
    gate.set()
    await task
    await hold(places, gate)


async def test_leaving_the_queue_frees_nothing() -> None:
    places, gate = admission(), asyncio.Event()
    first = asyncio.create_task(hold(places, gate))
    await asyncio.sleep(0)
    second = asyncio.create_task(hold(places, gate))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])
    assert (places.running, places.waiting) == (1, 0)
    gate.set()
    await first
    await hold(places, gate)


async def test_place_that_comes_too_late_goes_on() -> None:
    places, gate = admission(queue=2), asyncio.Event()
    first = asyncio.create_task(hold(places, gate))
    await asyncio.sleep(0)
    second, third = (asyncio.create_task(hold(places, gate)) for _ in range(2))
    await asyncio.sleep(0)
    gate.set()
    await first
    second.cancel()
    await asyncio.gather(second, third, return_exceptions=True)
    assert (places.running, places.waiting) == (0, 0)
    await hold(places, gate)


async def test_overload_is_a_503() -> None:
    gate = asyncio.Event()
    async with stand({"w/w": (gate, "done")}, max_runs=1, max_queue=0) as at:
        first = asyncio.create_task(at.ask())
        await at.upstream.sim.called("w/w")
        status, body = await at.ask()
        gate.set()
        assert (await first)[0] == 200
    assert (status, body["error"]["code"]) == (503, "overloaded")
