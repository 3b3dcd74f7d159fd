"""Failures told from server to server through a real redis-server, where there is one."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from fusion_graph.server._errors import Refused, filtered
from fusion_graph.server._logs import Log
from fusion_graph.server._shared_failures import CHANNEL, SharedFailures, open_failures, read, write
from fusion_graph.server._shared_limits import connect
from tests.server.places import Place, real
from tests.server.stand import ONE, stand


def failed() -> Refused:
    return Refused(502, "upstream_error", "no", code="all_panels_failed", retry=False, fusion={"run_id": "r1"})


@asynccontextmanager
async def several(place: Place, count: int = 2) -> AsyncIterator[list[SharedFailures]]:
    """Servers that know the same Redis; what they say goes into the log of each."""
    async with AsyncExitStack() as open_ones:
        found = []
        for _ in range(count):
            client = await connect(place.url)
            open_ones.push_async_callback(client.aclose)
            found.append(await open_failures(client, log=Log(io.BytesIO(), as_json=True)))
            open_ones.push_async_callback(found[-1].aclose)
        yield found


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - another process carries the word
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("refused", [failed(), filtered(), Refused(429, "x", "y", retry_after_s=7, param="p")])
def test_a_failure_comes_back_as_it_was(refused: Refused) -> None:
    assert write(read(write(refused))) == write(refused)


@real
async def test_what_one_remembers_all_know(place: Place) -> None:
    async with several(place, 3) as (one, other, third):
        one.remember("alice", "body", failed())
        await until(lambda: len(other) == len(third) == 1)
        told = other.just_now("alice", lambda: "body")
        assert told is not None
        assert told.body == failed().body
        assert other.just_now("bob", lambda: "body") is None
        other.remember("alice", "body", failed())
        await until(lambda: one.tries("alice", lambda: "body") == third.tries("alice", lambda: "body") == 2)
        assert third.forget("alice", lambda: "body")
        await until(lambda: len(one) == len(other) == 0)
        assert not third.forget("alice", lambda: "body")


@real
async def test_any_other_word_is_none(place: Place) -> None:
    async with several(place) as (one, other):
        for word in ("{", "7", "[]", '{"from": "x"}', '{"from": "x", "tenant": "a", "body": "b", "refused": {}}'):
            await one._client.publish(CHANNEL, word)
        one.remember("alice", "body", failed())
        await until(lambda: len(other) == 1)


@real
async def test_without_redis_each_remembers_for_itself(place: Place) -> None:
    async with several(place) as (one, other):
        place.end()
        one.remember("alice", "body", failed())
        assert one.tries("alice", lambda: "body") == 1
        await asyncio.wait(one._saying)
        assert len(other) == 0


@real
async def test_the_other_server_buys_nothing(place: Place) -> None:
    path, body = "/v1/responses", {"model": "one", "input": "Why?"}
    async with several(place) as (one, other), stand(None, ONE, failures=one) as first:
        first.upstream.faults["w/w"].extend(["500"])
        async with first.session.post(first.url(path), json=body) as response:
            assert response.status == 502
        await until(lambda: len(other) == 1)
        async with (
            stand(None, ONE, failures=other) as second,
            second.session.post(second.url(path), json=body) as response,
        ):
            assert response.status == 502
            assert second.upstream.received == []
