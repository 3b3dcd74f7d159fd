"""The engine's façade: results, errors, several runs at once, closing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import Any

import pytest

from fusion_graph.contracts import Backend, Provider
from fusion_graph.engine.attempts import CallRun
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Prices
from fusion_graph.engine.request import ask
from fusion_graph.engine.run import Run
from fusion_graph.errors import Permanent, UsageError
from fusion_graph.events import Event, RunFinished, RunStarted
from fusion_graph.messages import Call
from fusion_graph.pipeline import Limits
from fusion_graph.providers.sim import SimClient
from tests.engine.stage import Stage, start
from tests.graph.walk import NEVER, bound_of

ONE = "a: {kind: proposer, model: m/a}"


def last(stage: Stage) -> RunFinished:
    assert isinstance(stage.events[-1], RunFinished)
    return stage.events[-1]


async def test_run_begins_and_ends_with_an_event() -> None:
    stage = Stage({"*": "text"})
    result = await stage.run(ONE, seed=4)
    begin = stage.events[0]
    assert isinstance(begin, RunStarted)
    assert (begin.run_id, begin.pipeline, begin.seed) == (result.run_id, "test", 4)
    assert [node.id for node in begin.nodes] == ["a"]
    assert last(stage)[1:] == ("ok", "")


async def test_events_are_the_listeners() -> None:
    stage = Stage({"*": "text"})
    result = await stage.run(ONE)
    assert list(result.events) == stage.events


async def test_run_without_a_listener_has_its_events() -> None:
    stage = Stage({"*": "text"})
    result = await stage.fusion.run(bound_of(ONE), ask("Why?"))
    assert [type(event).__name__ for event in result.events][::7] == ["RunStarted", "RunFinished"]


async def test_usage_error_is_raised_before_any_event() -> None:
    stage = Stage({"*": "text"})
    with pytest.raises(UsageError):
        await stage.run(ONE, messages=())
    assert stage.events == []


def refuse(_call: Call) -> str:
    """As a client does that reads what came: what was raised first keeps the client's frame."""
    try:
        return str(int("not JSON"))
    except ValueError as fault:
        raise Permanent("bad_response", "not JSON") from fault


@pytest.mark.parametrize(
    ("reply", "leaves"),
    [("text", False), (Permanent("bad_request", "no", status=400), False), (refuse, False), ((1e6,), True)],
)
async def test_nothing_of_a_run_waits_for_the_collector(reply: Any, leaves: bool) -> None:
    stage = Stage({"*": reply})
    gc.collect()
    gc.disable()
    try:
        running = asyncio.ensure_future(stage.fusion.run(bound_of(ONE), ask("Why?", stream=True)))
        await stage.sim.called("m/a")
        if leaves:
            running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        del running
        await asyncio.sleep(0)
        assert [one for one in gc.get_objects() if isinstance(one, Run | CallRun)] == []
    finally:
        gc.enable()


async def test_cancelled_run_says_so() -> None:
    stage = Stage({"*": (1e6,)})
    run = start(stage, ONE)
    await stage.sim.called("m/a")
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert last(stage).state == "cancelled"


async def test_bug_is_raised_as_it_is() -> None:
    def broken(_call: Call) -> str:
        raise ZeroDivisionError

    stage = Stage({"m/a": broken, "*": (1e6,)})
    with pytest.raises(ZeroDivisionError):
        await stage.run("p: {kind: layer, models: [m/b, m/a]}\nf: {kind: fallback, inputs: [p]}")


async def test_many_runs_at_once_keep_apart() -> None:
    """Each run has its own labels, events and answer; they share the backend only."""
    stage = Stage({"*": lambda call: f"re {call.messages[-1].text}"})
    bound = bound_of("p: {kind: layer, models: [m/a, m/b]}\nf: {kind: fallback, inputs: [p]}")
    results = await asyncio.gather(*(stage.fusion.run(bound, ask(f"question {n}")) for n in range(20)))
    assert [result.text for result in results] == [f"re question {n}" for n in range(20)]
    assert len({result.run_id for result in results}) == 20


async def test_tool_turn_is_chosen_by_the_last_message() -> None:
    stage = Stage({"*": "text"})
    nodes = "p: {kind: layer, models: [m/a]}\nw: {kind: synth, model: m/w, inputs: [p]}"
    await stage.run(nodes)
    assert stage.asked == ["m/a", "m/w"]


async def test_closing_closes_what_was_opened() -> None:
    sims: list[SimClient] = []

    def opening(_backend: Backend) -> SimClient:
        sims.append(SimClient({"*": "text"}))
        return sims[-1]

    backends = {name: Backend(name=name, provider="sim") for name in ("one", "two")}
    provider = Provider(name="sim", summary="", open=opening)
    async with Fusion(
        providers={"sim": provider}, backends=backends, default_backend="one", prices=Prices({})
    ) as fusion:
        await fusion.run(bound_of(ONE), ask("Why?"))
        assert [sim.closed for sim in sims] == [False]
    assert [sim.closed for sim in sims] == [True]


async def test_closing_leaves_no_timer() -> None:
    stage = Stage({"*": "text"})
    await stage.run(ONE)
    await stage.fusion.aclose()
    loop = asyncio.get_running_loop()
    assert [t for t in loop._scheduled if not t.cancelled()] == []  # type: ignore[attr-defined]


async def test_a_run_that_outlives_the_closing_keeps_its_deadline() -> None:
    stage = Stage({"*": (1e6,)})
    run = start(stage, ONE, limits=Limits(deadline_s=10, reserve_s=1))
    await stage.only("m/a")
    await stage.fusion.aclose()
    await stage.skip(11)
    assert (await run).error is not None


async def test_limits_of_the_request_go_first() -> None:
    stage = Stage({"*": "text"})
    nodes = "p: {kind: sample, model: m/a, samples: 4}\nf: {kind: fallback, inputs: [p]}"
    await stage.run(nodes, limits=Limits(max_calls=2), top={"limits": {"max_calls": 9}})
    assert len(stage.asked) == 2


async def test_slow_listener_sees_every_event_in_order() -> None:
    seen: list[Event] = []
    stage = Stage({"*": "some text"})
    await stage.run(ONE, listener=seen.append, stream=True)
    assert [event.at for event in seen] == sorted(event.at for event in seen)
    assert seen == stage.events


async def test_bug_beside_other_calls_of_a_node_is_raised_as_it_is() -> None:
    """Several calls of one node run in a group; its own exception does not show."""

    def broken(_call: Call) -> str:
        raise ZeroDivisionError

    stage = Stage({"m/j": broken, "*": "text"})
    nodes = "p: {kind: layer, models: [m/a, m/b, m/c]}\n"
    nodes += "j: {kind: judge, mode: select, compare: pairs, model: m/j, inputs: [p]}"
    with pytest.raises(ZeroDivisionError):
        await stage.run(nodes)


async def test_two_bugs_at_once_are_one_exception() -> None:
    def broken(_call: Call) -> str:
        raise ZeroDivisionError

    stage = Stage({"*": broken})
    with pytest.raises(ZeroDivisionError):
        await stage.run("p: {kind: layer, models: [m/a, m/b, m/c]}\nf: {kind: fallback, inputs: [p]}")


async def test_run_with_nothing_to_call_ends_at_once() -> None:
    stage = Stage({"*": "text"})
    nodes = "a: {kind: proposer, model: m/a, when: {params.go: {equals: true}}}\nf: {kind: fallback, inputs: [a]}"
    result = await stage.run(nodes, top={"params": NEVER})
    assert stage.asked == []
    assert result.error
    assert result.error.exit_code == 1
    assert "no node gave a usable answer" in result.error.message
