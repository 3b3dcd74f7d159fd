"""What was paid for and not delivered is not bought again (wire contract 1.7)."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.messages import Call, Completion, Message, Sampling, Usage
from fusion_graph.server._auth import Key, digest_of
from fusion_graph.server._replay import KEPT_S, MAX_RUNS, REPLAYED, Recall, Replays
from tests.server.stand import ONE, Stand, stand

ASKED = (Message("user", "Why?"),)
CALL = Call("a/x", ASKED, Sampling())


def models(at: Stand) -> list[str]:
    return sorted(request.body["model"] for request in at.upstream.received)


@pytest.mark.parametrize("stream", [False, True])
async def test_failed_run_is_not_paid_twice(stream: bool) -> None:
    only = "version: 1\nname: only\nnodes:\n  panel: {kind: layer, models: [a/x, b/y]}\n"
    only += "  answer: {kind: synth, model: w/w, inputs: [panel], retry: {attempts: 1}}\noutput: answer\n"
    async with stand(None, only) as at:
        at.upstream.faults["w/w"].append("500")
        assert (await at.ask(model="only"))[0] == 502
        if stream:
            events = await at.stream(model="only")
            block = events[-2]["fusion"]
        else:
            _, body = await at.ask(model="only")
            block = body["fusion"]
        assert models(at) == ["a/x", "b/y", "w/w", "w/w"]
    states = {node["name"]: node["state"] for node in block["nodes"]}
    assert (states["panel/x"], states["panel/y"], states["answer"]) == ("replayed", "replayed", "ok")
    assert block["replayed_cost_usd"] > 0
    assert next(e for e in block["cost_breakdown"] if e["node"] == "panel/x")["cost_usd"] == 0


async def test_cut_run_is_not_paid_twice() -> None:
    async with stand({"w/w": [(asyncio.Event(),), "At last."]}) as at:
        asking = asyncio.create_task(at.ask(stream=True))
        await at.upstream.sim.called("w/w")
        asking.cancel()
        await asyncio.wait([asking])
        await at.settled()
        _, body = await at.ask()
        assert models(at) == ["a/x", "b/y", "j/j", "w/w", "w/w"]
    assert body["choices"][0]["message"]["content"] == "At last."


async def test_delivered_runs_are_two() -> None:
    async with stand() as at:
        await at.ask()
        await at.ask()
        assert len(models(at)) == 8
        assert len(at.server.service.replays) == 0


async def test_nothing_crosses_between_keys() -> None:
    # security 12
    keys = [Key(name=name, digest=digest_of(name * 20)) for name in ("a", "b")]
    async with stand({"w/w": [(asyncio.Event(),), "At last."]}, keys=keys) as at:
        asking = asyncio.create_task(at.ask(headers={"x-api-key": "a" * 20}))
        await at.upstream.sim.called("w/w")
        asking.cancel()
        await asyncio.wait([asking])
        await at.settled()
        await at.ask(headers={"x-api-key": "b" * 20})
        assert models(at).count("a/x") == 2


async def test_lasting_failure_is_answered_from_memory() -> None:
    async with stand(None, ONE) as at:
        at.upstream.faults["w/w"].append("400")
        first, again = await at.ask(model="one"), await at.ask(model="one")
        assert first == again
        assert first[0] == 502
        assert len(at.upstream.received) == 1
        assert (await at.ask(model="one", seed=1))[0] == 200


def recalled(text: str = "x") -> Recall:
    recall = Recall("fence")
    recall.finished.append(("up", CALL, Completion(text=text)))
    return recall


def test_store_is_bounded_and_forgets() -> None:
    now = [0.0]
    store = Replays(lambda: now[0])
    for i in range(MAX_RUNS + 10):
        store.keep("a", (Message("user", str(i)),), recalled("x" * 1000))
    assert len(store) == MAX_RUNS
    assert store.size == MAX_RUNS * 1000
    now[0] = KEPT_S + 1
    assert store.recall("a", (Message("user", "200"),)).known == {}
    assert (len(store), store.size) == (0, 0)


def test_first_fence_is_used_again() -> None:
    store = Replays()
    store.keep("a", ASKED, recalled())
    again = store.recall("a", ASKED)
    assert again.fence == "fence"
    assert again.find("other", CALL) is None
    lent = again.find("up", CALL)
    assert lent == Completion(text="x", usage=Usage(cost_usd=0.0), notes=(REPLAYED,))
    assert again.find("up", CALL) is None
    assert list(again.all().values()) == [Completion(text="x")]
    again.keep_only([lent])
    assert list(again.all().values()) == [Completion(text="x")]
    again.keep_only([])
    assert again.all() == {}
    assert store.recall("b", ASKED).known == {}


async def test_what_was_of_no_use_does_not_come_back() -> None:
    """A reply that the pipeline refuses was answered and paid for, and is asked for anew all the same."""
    strict = ONE.replace("model: w/w", "model: w/w, usable: {match: long}")
    async with stand({"w/w": ["Too short.", "This one is long enough."]}, strict) as at:
        assert (await at.ask(model="one"))[0] == 502
        status, body = await at.ask(model="one")
        assert len(at.upstream.received) == 2
    assert (status, body["choices"][0]["message"]["content"]) == (200, "This one is long enough.")
