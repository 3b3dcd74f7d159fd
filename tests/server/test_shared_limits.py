"""Limits in Redis: the same refusals as in one process, kept together by two servers. Against a real redis-server,
where there is one."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.server._auth import Key, digest_of
from fusion_graph.server._errors import Refused
from fusion_graph.server._logs import Log
from fusion_graph.server._shared_limits import SharedLimits, open_shared
from tests.server.places import Place, real
from tests.server.stand import stand

RAW = "k" * 20


def key(**rights: object) -> Key:
    return Key(name="alice", digest=digest_of(RAW), **rights)  # type: ignore[arg-type]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def two(
    place: Place, clock: Clock | None = None, **more: float
) -> AsyncIterator[tuple[SharedLimits, SharedLimits]]:
    """Two servers that know the same Redis."""
    log = Log(io.BytesIO(), as_json=True)
    async with AsyncExitStack() as open_ones:
        both = []
        for _ in range(2):
            limits = await open_shared(place.url, lease_s=more.get("lease_s", 600.0), log=log, clock=clock or Clock())
            open_ones.push_async_callback(limits.aclose)
            both.append(limits)
        yield both[0], both[1]


async def refused(limits: SharedLimits, rights: Key, worst: float = 1.0) -> Refused:
    with pytest.raises(Refused) as caught:
        async with limits.run(rights, worst):
            pass
    return caught.value


@real
async def test_requests_per_minute_are_counted_together(place: Place) -> None:
    clock, alice = Clock(), key(requests_per_minute=2)
    async with two(place, clock) as (one, other):
        await one.count(alice)
        clock.now += 20
        await other.count(alice)
        with pytest.raises(Refused) as caught:
            await one.count(alice)
        assert caught.value.lines == "Retry-After: 41\r\n"
        clock.now += 41
        await other.count(alice)


@real
async def test_fifty_at_once_start_ten(place: Place) -> None:
    """Security 14, over two servers: a budget for ten runs starts ten."""
    alice, gate, begun = key(budget_usd_per_day=10.0), asyncio.Event(), []

    async def run(limits: SharedLimits) -> str:
        try:
            async with limits.run(alice, 1.0) as purse:
                begun.append(1)
                await gate.wait()
                purse.cost_usd = 0.5
        except Refused as refusal:
            return str(refusal.code)
        return "ran"

    async with two(place) as both:
        runs = [asyncio.create_task(run(both[n % 2])) for n in range(50)]
        await asyncio.wait(runs, return_when=asyncio.FIRST_COMPLETED)
        while sum(task.done() for task in runs) < 40:
            await asyncio.wait([task for task in runs if not task.done()], return_when=asyncio.FIRST_COMPLETED)
        gate.set()
        told = await asyncio.gather(*runs)
        assert (told.count("ran"), told.count("insufficient_quota")) == (10, 40)
        assert len(begun) == 10
        for limits in both:  # half of the budget is left now
            async with limits.run(alice, 2.0) as purse:
                purse.cost_usd = 2.0
        assert (await refused(both[0], alice, 1.5)).code == "insufficient_quota"


@real
async def test_runs_at_once_are_bounded_together(place: Place) -> None:
    alice = key(max_runs=1)
    async with two(place) as (one, other):
        async with one.run(alice, None):
            assert (await refused(other, alice)).code == "rate_limit_exceeded"
        async with other.run(alice, None):
            pass


@real
async def test_a_lease_that_nobody_ends_books_the_worst_case(place: Place) -> None:
    """As when a server is killed: its place is free again after the lease, its money is not."""
    clock, alice = Clock(), key(max_runs=1, budget_usd_per_day=1.5)
    async with two(place, clock, lease_s=60.0) as (dead, other):
        lost = dead.run(alice, 1.0)
        await lost.__aenter__()
        assert (await refused(other, alice, 0.1)).code == "rate_limit_exceeded"
        clock.now += 61
        assert (await refused(other, alice, 1.0)).code == "insufficient_quota"
        async with other.run(alice, 0.4) as purse:
            purse.cost_usd = 0.4
        await lost.__aexit__(None, None, None)  # it was alive after all: nothing is booked twice
        async with other.run(alice, 0.1):
            pass


@real
async def test_a_budget_is_new_every_day(place: Place) -> None:
    clock, alice = Clock(), key(budget_usd_per_day=1.0)
    async with two(place, clock) as (one, other):
        async with one.run(alice, 1.0):
            pass
        await refused(other, alice)
        clock.now += 86_400
        async with other.run(alice, 1.0):
            pass


@real
@pytest.mark.parametrize("steps", range(6))
async def test_who_leaves_while_it_enters_holds_nothing(place: Place, steps: int) -> None:
    """Cancelled before, while and after Redis is asked: no place and no money is left behind."""
    alice = key(max_runs=1, budget_usd_per_day=1.0)

    async def run(limits: SharedLimits) -> None:
        async with limits.run(alice, 1.0) as purse:
            purse.cost_usd = 0.0
            await asyncio.Event().wait()

    async with two(place) as (one, other):
        task = asyncio.create_task(run(one))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        if one._open:
            await asyncio.wait(one._open)
        async with other.run(alice, 1.0):
            pass


@real
async def test_without_redis_no_limited_key_begins(place: Place) -> None:
    async with two(place) as (one, _):
        alice = key(max_runs=1, requests_per_minute=5)
        running = one.run(alice, None)
        await running.__aenter__()
        place.end()
        refusal = await refused(one, alice)
        assert (refusal.http_status, refusal.code) == (503, "limits_unavailable")
        with pytest.raises(Refused, match="limits"):
            await one.count(alice)
        await running.__aexit__(None, None, None)  # its answer is out: no error for its client
        async with one.run(key(), None):  # nothing to ask Redis about
            pass


@real
async def test_the_server_keeps_them(place: Place) -> None:
    rights = key(max_runs=1, budget_usd_per_day=5.0)
    gate = asyncio.Event()
    async with two(place) as (ours, theirs), stand({"w/w": (gate, "done")}, keys=[rights], limits=ours) as at:
        first = asyncio.create_task(at.ask(headers={"x-api-key": RAW}))
        await at.upstream.sim.called("w/w")
        assert (await refused(theirs, rights, 0.1)).code == "rate_limit_exceeded"
        status, _ = await at.ask(headers={"x-api-key": RAW})
        gate.set()
        assert (status, (await first)[0]) == (429, 200)
        assert (await at.ask(headers={"x-api-key": RAW}))[0] == 200


@real
@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_gives_the_place_back(place: Place, stream: bool) -> None:
    rights = key(max_runs=1, budget_usd_per_day=5.0)
    async with two(place) as (ours, theirs), stand({"w/w": (asyncio.Event(),)}, keys=[rights], limits=ours) as at:
        asking = asyncio.create_task(at.ask(stream=stream, headers={"x-api-key": RAW}))
        await at.upstream.sim.called("w/w")
        asking.cancel()
        await asyncio.wait([asking])
        await at.settled()
        if ours._open:
            await asyncio.wait(ours._open)
        async with theirs.run(rights, 4.9):  # what its calls cost is spent, its worst case is not
            pass
        assert (await refused(theirs, rights, 0.2)).code == "insufficient_quota"


@real
def test_two_programs_share_a_key(place: Place, tmp_path: Path) -> None:
    """`fusiongraph serve` twice, by the variable alone; the second one is told that the minute is spent."""
    (tmp_path / "keys.toml").write_text(f'[keys.alice]\nsha256 = "{digest_of(RAW).hex()}"\nrequests_per_minute = 1\n')
    (tmp_path / "fusiongraph.toml").write_text('[server]\nkeys_file = "keys.toml"\n')
    environment = {**os.environ, "FUSION_REDIS_URL": place.url, "FUSION_BACKEND": "sim", "FUSION_HOME": str(tmp_path)}
    assert [ask_once(tmp_path, environment) for _ in range(2)] == [200, 429]


def ask_once(folder: Path, environment: dict[str, str]) -> int:
    """The status of one question to a server of its own."""
    import urllib.error
    import urllib.request

    command = [sys.executable, "-m", "fusion_graph", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        body = json.dumps({"model": "fusion", "messages": [{"role": "user", "content": "Why?"}]}).encode()
        headers = {"Content-Type": "application/json", "x-api-key": RAW}
        try:
            request = urllib.request.Request(f"{url}/chat/completions", body, headers)  # noqa: S310 - our own server
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            return refusal.code
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://canary:secret@127.0.0.1/0", "is no address of a Redis"),
        ("redis://:canary-secret@127.0.0.1:9/0", "no Redis answers at FUSION_REDIS_URL"),
        ("unix:///nowhere/redis.sock", "no Redis answers at FUSION_REDIS_URL"),
    ],
)
async def test_a_wrong_address_is_told_without_its_password(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        await open_shared(url, lease_s=1.0, log=Log(None, as_json=True))
    assert "canary" not in str(caught.value) + str(caught.value.hint)


async def test_the_client_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(UsageError, match="client of Redis") as caught:
        await open_shared("redis://127.0.0.1:9", lease_s=1.0, log=Log(None, as_json=True))
    assert "fusion-graph[redis]" in str(caught.value.hint)
