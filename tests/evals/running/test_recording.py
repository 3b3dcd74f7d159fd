"""Replies known by what was asked: shared, played back, never failures, never what was of no use."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from fusion_graph.engine.report import RunResult
from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import Transient
from fusion_graph.evals.running.recording import EAR, LEFT_OUT, UNRECORDED, Door, Ear
from fusion_graph.events import CallFailed, CallFinished, Event, FirstToken
from fusion_graph.messages import Call, Message, Sampling
from fusion_graph.providers.sim import Script, SimClient
from fusion_graph.store.clockwork import Clockwork
from fusion_graph.store.door import Attempt
from fusion_graph.store.journal import Job
from fusion_graph.store.recorder import SHARED
from tests.evals.desk import Bench, bound, load, new_book

ASKED = (Message("user", "hello"),)
ONE: dict[str, Any] = {
    "version": 1,
    "name": "one",
    "nodes": {"a": {"kind": "proposer", "model": "a/x", "retry": {"attempts": 2, "backoff_s": 0}}},
    "output": "a",
}


async def ask(
    bench: Bench, door: Door, *, part: str = "p", document: dict[str, Any] = ONE, events: list[Event] | None = None
) -> RunResult:
    """One run of an arm behind this door."""
    made = bound(load(document), {})
    ear = Ear(door.records, Job("r", made, ASKED, "f", "sim", part=part))
    EAR.set(ear)

    def hear(event: Event) -> None:
        ear(event)
        if events is not None:
            events.append(event)

    async with bench.fusion(bench.models, door) as fusion:
        return await fusion.run(made, RunRequest(messages=ASKED, fence="f", run_id="r"), hear)


def opened(script: Script, **door: Any) -> tuple[Bench, Door]:
    bench = Bench(script)
    return bench, Door(bench.book, **door)


async def test_the_same_question_is_asked_once() -> None:
    bench, door = opened({"*": "one two"})
    assert [(await ask(bench, door)).text for _ in range(2)] == ["one two"] * 2
    assert len(bench.models.received) == 1


async def test_a_shared_reply_says_so_and_costs_as_if_it_was_bought() -> None:
    bench, door = opened({"*": "one two"})
    told: list[Event] = []
    first, second = [await ask(bench, door, events=told) for _ in range(2)]
    assert [SHARED in e.completion.notes for e in told if isinstance(e, CallFinished)] == [False, True]
    assert first.cost_usd == second.cost_usd != 0.0


async def test_draws_and_parts_are_apart() -> None:
    bench, door = opened({"*": "one"})
    await ask(bench, door)
    await ask(bench, door, part="q")
    tries = {"kind": "sample", "model": "a/x", "samples": 2}
    twice = {**ONE, "nodes": {"tries": tries, "a": {"kind": "fallback", "inputs": ["tries"]}}}
    await ask(bench, door, document=twice)
    assert len(bench.models.received) == 3


async def test_arms_that_ask_at_once_share_one_call() -> None:
    gate = asyncio.Event()
    bench, door = opened({"*": (gate, "late")})
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(ask(bench, door)) for _ in range(3)]
        await bench.models.called("a/x")
        gate.set()
    assert [task.result().text for task in asked] == ["late"] * 3
    assert len(bench.models.received) == 1


async def test_whoever_waits_asks_when_the_first_one_fails_or_leaves() -> None:
    gate = asyncio.Event()
    alone = {**ONE, "nodes": {"a": {"kind": "proposer", "model": "a/x", "retry": {"attempts": 1}}}}
    bench, door = opened({"*": [(gate, Transient("upstream_5xx")), "good"]})
    first, second = (asyncio.create_task(ask(bench, door, document=alone)) for _ in range(2))
    await bench.models.called("a/x")
    gate.set()
    assert (await first).error is not None
    assert (await second).text == "good"
    bench, door = opened({"*": [(asyncio.Event(),), "good"]})
    first, second = (asyncio.create_task(ask(bench, door)) for _ in range(2))
    await bench.models.called("a/x")
    first.cancel()
    assert (await second).text == "good"
    await asyncio.wait([first])


async def test_what_was_of_no_use_is_not_kept() -> None:
    """Else every further attempt would get it again."""
    bench, door = opened({"*": [" ", "good"]})
    assert (await ask(bench, door)).text == "good"
    assert (await ask(bench, door)).text == "good"
    assert len(bench.models.received) == 2


@pytest.mark.parametrize(
    ("door", "reason"), [({"live": False}, UNRECORDED), ({"absent": frozenset({"a/x"})}, LEFT_OUT)]
)
async def test_nothing_is_sent_where_nothing_may_be(door: dict[str, Any], reason: str) -> None:
    bench, made = opened({"*": "one"}, **door)
    told: list[Event] = []
    await ask(bench, made, events=told)
    assert [event.reason for event in told if isinstance(event, CallFailed)] == [reason]
    assert bench.models.received == []


def test_a_reply_takes_the_time_it_took() -> None:
    book = new_book()

    async def main(script: Script, **door: Any) -> tuple[float, list[Event]]:
        bench, told = Bench(script, book=book), list[Event]()
        began = asyncio.get_running_loop().time()
        await ask(bench, Door(book, **door), events=told)
        return asyncio.get_running_loop().time() - began, told

    def timed(script: Script, **door: Any) -> tuple[float, list[Event]]:
        with asyncio.Runner(loop_factory=Clockwork) as runner:
            return runner.run(main(script, **door))

    first, _ = timed({"*": (2.0, "a" * 40, 18.0, "b")})
    again, told = timed({}, live=False, paced=True)
    assert (first, again) == (20.0, 20.0)
    assert [event.at for event in told if isinstance(event, FirstToken)] == [2.0]
    assert timed({}, live=False)[0] == 0.0


async def played(door: Door) -> list[float]:
    """When the pieces of the only reply came."""
    loop, at = asyncio.get_running_loop(), list[float]()
    (key,) = door.records._heard
    call = Call("a/x", ASKED, Sampling())
    ear = Ear(door.records, Job("r", bound(load(ONE), {}), ASKED, "f", "sim"))
    ear._keys[id(call)] = key
    EAR.set(ear)
    began = loop.time()
    await door(Attempt("sim", call, SimClient({})), lambda _delta: at.append(loop.time() - began))
    return at


def test_a_reply_that_took_long_is_played_in_pieces() -> None:
    """A model that is writing is not idle."""

    async def main() -> list[float]:
        bench, door = opened({"*": (2.0, "a" * 40, 18.0, "b")}, paced=True)
        await ask(bench, door)
        return await played(door)

    with asyncio.Runner(loop_factory=Clockwork) as runner:
        at = runner.run(main())
    assert at[0] == 2.0
    assert max(b - a for a, b in pairwise(at)) <= 5.0
