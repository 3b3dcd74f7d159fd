"""Two requests in flight with the same idempotency key and body share one run. `_sharing` joins them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.server.stand import ONE, Stand, events_of, stand, text_of

SAME: Any = {"model": "one", "headers": {"Idempotency-Key": "k1"}}


async def begun(at: Stand, **more: Any) -> asyncio.Task[tuple[int, dict[str, Any]]]:
    """A request whose call has arrived upstream."""
    task = asyncio.create_task(at.ask(**{**SAME, **more}))
    await at.upstream.sim.called("w/w")
    return task


async def joined(at: Stand, clients: int) -> None:
    """Until so many requests share what is in flight."""
    async with asyncio.timeout(5):
        while at.server.service.sharing.clients < clients:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.005)


async def test_one_run_for_both() -> None:
    gate = asyncio.Event()
    async with stand({"w/w": (gate, "done")}, ONE) as at:
        first = await begun(at)
        second = asyncio.create_task(at.ask(**SAME))
        await joined(at, 2)
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


async def test_run_outlives_the_one_who_began_it() -> None:
    gate = asyncio.Event()
    async with stand({"w/w": (gate, "done")}, ONE) as at:
        first = await begun(at)
        second = asyncio.create_task(at.ask(**SAME))
        await joined(at, 2)
        first.cancel()
        gate.set()
        assert (await second)[0] == 200
        assert len(at.upstream.received) == 1


async def test_key_has_a_sane_length() -> None:
    async with stand(None, ONE) as at:
        status, body = await at.ask(model="one", headers={"Idempotency-Key": "k" * 300})
    assert (status, body["error"]["param"]) == (400, "Idempotency-Key")


async def test_failure_is_shared_too() -> None:
    gate = asyncio.Event()
    async with stand({"w/w": (gate, " ")}, ONE) as at:
        first = await begun(at)
        second = asyncio.create_task(at.ask(**SAME))
        await joined(at, 2)
        gate.set()
        assert [(await task)[0] for task in (first, second)] == [502, 502]
        assert len(at.upstream.received) == 1


# --- streams ----------------------------------------------------------------------------------------------------------


async def read(at: Stand, **more: Any) -> list[Any]:
    return await at.stream(**{**SAME, **more})


async def test_streams_share_one_run_and_the_late_one_gets_the_beginning() -> None:
    gate = asyncio.Event()
    async with stand({"w/w": ("Hel", gate, "lo")}, ONE) as at:
        async with at.post(**SAME, stream=True) as response:
            while b'"Hel"' not in await response.content.readline():
                pass
            late = asyncio.create_task(read(at))
            await joined(at, 2)
            gate.set()
            rest = events_of((await response.read()).decode())
        events = await late
        assert text_of(events) == "Hello"
        assert events[-1] == rest[-1] == "[DONE]"
        assert events[-2] == rest[-2]  # the same run, to its id and cost
        assert len(at.upstream.received) == 1
        await at.settled()
        assert len(at.server.service.sharing) == 0
        assert text_of(await read(at)) == "Hello"  # what was delivered is not reused
        assert len(at.upstream.received) == 2


@pytest.mark.parametrize("leaves", [0, 1])
async def test_stream_goes_on_while_somebody_reads(leaves: int) -> None:
    gate = asyncio.Event()
    async with stand({"w/w": ("Hel", gate, "lo")}, ONE) as at:
        both = [asyncio.create_task(read(at)) for _ in range(2)]
        await at.upstream.sim.called("w/w")
        await joined(at, 2)
        both[leaves].cancel()
        await asyncio.wait([both[leaves]])
        gate.set()
        assert text_of(await both[1 - leaves]) == "Hello"
        assert len(at.upstream.received) == 1


async def test_run_ends_when_the_last_reader_has_left() -> None:
    async with stand({"w/w": ("Hel", asyncio.Event())}, ONE) as at:
        both = [asyncio.create_task(read(at)) for _ in range(2)]
        await at.upstream.sim.called("w/w")
        await joined(at, 2)
        for task in both:
            task.cancel()
        async with asyncio.timeout(1):
            await asyncio.wait(both)
            await at.settled()
        assert len(at.upstream.sim.cancelled) == 1
        assert len(at.server.service.sharing) == 0


async def test_streams_share_a_failure_in_the_middle() -> None:
    async with stand(None, ONE) as at:
        at.upstream.faults["w/w"].extend(["cut"])
        both = await asyncio.gather(read(at), read(at))
    for events in both:
        assert events[-1]["error"]["code"] == "all_panels_failed"


async def test_streams_share_a_failure_before_the_first_word() -> None:
    async with stand(None, ONE) as at:
        at.upstream.faults["w/w"].append("500")
        both = await asyncio.gather(*(at.ask(**SAME, stream=True) for _ in range(2)))
        assert [status for status, _ in both] == [502, 502]
        assert len(at.upstream.received) == 1


async def test_shared_streams_end_with_the_server() -> None:
    async with stand({"w/w": ("Hel", asyncio.Event())}, ONE) as at:
        both = [asyncio.create_task(read(at)) for _ in range(2)]
        await at.upstream.sim.called("w/w")
        await joined(at, 2)
        await asyncio.sleep(0)
        assert await at.server.service.admission.drain(0.05) == 1
        for events in await asyncio.gather(*both):
            assert events[-1]["error"]["code"] == "draining"


async def test_stream_and_whole_are_different_requests() -> None:
    async with stand({"w/w": (asyncio.Event(),)}, ONE) as at:
        first = await begun(at)
        status, body = await at.ask(**SAME, stream=True)
        first.cancel()
    assert (status, body["error"]["param"]) == (400, "Idempotency-Key")
