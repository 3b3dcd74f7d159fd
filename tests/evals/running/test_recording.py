"""Replies kept by what was asked: shared, played back, never failures."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from fusion_graph.contracts import Backend, Client, Provider
from fusion_graph.errors import Permanent, Transient
from fusion_graph.evals.running.recording import LEFT_OUT, RUN, UNRECORDED, Door, recording
from fusion_graph.evals.running.stages import SqliteStages
from fusion_graph.messages import Call, Delta, Message, Sampling
from fusion_graph.providers.sim import Script, SimClient
from fusion_graph.store.clockwork import Clockwork

CALL = Call("a/x", (Message("user", "hello"),), Sampling())


def opened(door: Door, script: Script) -> tuple[Client, SimClient]:
    sim = SimClient(script)
    (provider,) = recording({"p": Provider(name="p", summary="", open=lambda _b: sim)}, door).values()
    return provider.open(Backend(name="b")), sim


async def ask(client: Client, call: Call = CALL) -> tuple[str, str]:
    """The reply, and what was streamed of it."""
    seen: list[Delta] = []
    completion = await client.complete(call, seen.append)
    return completion.text, "".join(delta.text for delta in seen)


async def test_the_same_question_is_asked_once() -> None:
    client, sim = opened(Door(SqliteStages()), {"*": "one two"})
    assert [await ask(client) for _ in range(2)] == [("one two", "one two")] * 2
    await ask(client, CALL._replace(purpose="note"))
    assert len(sim.received) == 1


async def test_draws_runs_and_backends_are_apart() -> None:
    door = Door(SqliteStages())
    client, sim = opened(door, {"*": "one"})
    await ask(client)
    await ask(client, CALL._replace(draw=(0, 1, 0, 0)))
    RUN.set(1)
    await ask(client)
    assert len(sim.received) == 3


async def test_arms_that_ask_at_once_share_one_call() -> None:
    gate = asyncio.Event()
    client, sim = opened(Door(SqliteStages()), {"*": (gate, "late")})
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask(client)) for _ in range(3)]
        await sim.called("a/x")
        gate.set()
    assert [task.result()[0] for task in asked] == ["late"] * 3
    assert len(sim.received) == 1


async def test_whoever_waits_asks_when_the_first_one_fails_or_leaves() -> None:
    gate = asyncio.Event()
    client, sim = opened(Door(SqliteStages()), {"*": [(gate, Transient("upstream_5xx")), "good"]})
    first, second = asyncio.create_task(ask(client)), asyncio.create_task(ask(client))
    await sim.called("a/x")
    gate.set()
    with pytest.raises(Transient):
        await first
    assert (await second)[0] == "good"
    stuck, sim = opened(Door(SqliteStages()), {"*": [(asyncio.Event(),), "good"]})
    first, second = asyncio.create_task(ask(stuck)), asyncio.create_task(ask(stuck))
    await sim.called("a/x")
    first.cancel()
    assert (await second)[0] == "good"
    await asyncio.wait([first])


async def test_nothing_is_sent_where_nothing_may_be() -> None:
    for door, reason in (
        (Door(SqliteStages(), live=False), UNRECORDED),
        (Door(SqliteStages(), absent=frozenset({"a/x"})), LEFT_OUT),
    ):
        client, sim = opened(door, {"*": "one"})
        with pytest.raises(Permanent) as caught:
            await ask(client)
        assert (caught.value.reason, sim.received) == (reason, [])


def test_a_reply_takes_the_time_it_took() -> None:
    stages = SqliteStages()

    async def main(script: Script, **door: Any) -> tuple[float, list[float]]:
        client, _ = opened(Door(stages, **door), script)
        loop, at = asyncio.get_running_loop(), []
        began = loop.time()
        await client.complete(CALL, lambda _delta: at.append(loop.time() - began))
        return loop.time() - began, at

    with asyncio.Runner(loop_factory=Clockwork) as runner:
        first = runner.run(main({"*": (2.0, "a" * 40, 18.0, "b")}))
    with asyncio.Runner(loop_factory=Clockwork) as runner:
        again, at = runner.run(main({}, live=False, paced=True))
    assert (first[0], again) == (20.0, 20.0)
    assert at[0] == 2.0
    assert max(b - a for a, b in pairwise(at)) <= 5.0
    with asyncio.Runner(loop_factory=Clockwork) as runner:
        assert runner.run(main({}, live=False))[0] == 0.0
