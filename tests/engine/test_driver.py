"""What the driver makes of the plan: the order in which things begin and are told."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest

from fusion_graph.errors import Permanent
from fusion_graph.events import GroupClosed, NodeFinished, NodeReady, NodeSkipped, RunFinished
from fusion_graph.messages import Call
from fusion_graph.pipeline import Limits
from tests.engine.stage import FAN, Stage, start, states, told


async def test_life_of_a_node_is_told_in_order() -> None:
    stage = Stage({"*": "text"})
    await stage.run("a: {kind: proposer, model: m/a}")
    assert [type(event).__name__ for event in stage.events] == [
        "RunStarted", "NodeReady", "NodeStarted", "CallStarted", "FirstToken", "CallFinished", "NodeFinished",
        "RunFinished",
    ]  # fmt: skip


async def test_ready_nodes_start_in_file_order() -> None:
    stage = Stage({"*": "text"})
    await stage.run(FAN)
    assert told(stage, NodeReady) == [("NodeReady", name) for name in ("a", "b", "c", "w")]


async def test_choices_are_told_before_the_group_ends() -> None:
    stage = Stage({"*": "text"})
    await stage.run("p: {kind: layer, models: [m/a, m/b]}\nf: {kind: fallback, inputs: [p]}")
    assert [entry for entry in told(stage, GroupClosed, NodeFinished) if entry[1] in ("p", "f")] == [
        ("GroupClosed", "p"), ("NodeFinished", "p"), ("GroupClosed", "f"), ("NodeFinished", "f"),
    ]  # fmt: skip


async def test_failed_fold_is_an_outcome() -> None:
    stage = Stage({"*": "nothing to count"})
    result = await stage.run(
        "p: {kind: layer, models: [m/a]}\nv: {kind: judge, mode: vote, inputs: [p]}\n"
        "f: {kind: fallback, inputs: [v, p]}"
    )
    assert states(result)["v"] == "failed abstained"


async def test_nodes_never_demanded_are_told_at_the_end() -> None:
    stage = Stage({"*": "text"})
    await stage.run(
        "a: {kind: proposer, model: m/a}\nb: {kind: proposer, model: m/b}\nf: {kind: fallback, inputs: [a, b]}"
    )
    assert told(stage, NodeSkipped) == [("NodeSkipped", "b")]
    assert type(stage.events[-2]) is NodeSkipped


async def test_every_node_ends_exactly_once() -> None:
    stage = Stage({"m/b": Permanent("bad_request"), "*": "text"})
    await stage.run(FAN + "f: {kind: fallback, inputs: [w, a]}")
    ends = [name for _, name in told(stage, NodeFinished, NodeSkipped)]
    assert sorted(ends) == ["a", "b", "c", "f", "w"]


async def test_timers_end_with_the_run() -> None:
    """No deadline, grace or hedge timer is left in the loop."""
    stage = Stage({"*": "text"})
    nodes = "p: {kind: layer, models: [m/a, m/b], quorum: 1, grace_s: 3000}\nf: {kind: fallback, inputs: [p]}"
    await stage.run(nodes, limits=Limits(deadline_s=5000, reserve_s=1))
    loop = asyncio.get_running_loop()
    left = [t for t in loop._scheduled if not t.cancelled() and t.when() > loop.time() + 1000]  # type: ignore[attr-defined]
    assert left == []


@pytest.mark.parametrize("late_s", [0.0, 6.0])
async def test_a_run_that_is_over_is_left_alone_by_its_deadline(late_s: float) -> None:
    """Cancelled as the deadline falls due: it is cancelled once, and its last event stays the last."""
    stage = Stage({"*": (1e6,)})
    nodes = "p: {kind: layer, models: [m/a, m/b]}\nw: {kind: synth, model: m/w, inputs: [p]}"
    run = start(stage, nodes, limits=Limits(deadline_s=10, reserve_s=5))
    await stage.only("m/a", "m/b")
    services = stage.fusion.services
    run.cancel()
    for watched in list(services.watchdog.watched):
        watched.look(services.clock() + 5 + late_s)
    with pytest.raises(asyncio.CancelledError):
        await run
    assert run.cancelling() == 1
    await asyncio.sleep(0)
    assert type(stage.events[-1]) is RunFinished


async def test_what_starts_at_the_deadline_has_the_surroundings_of_its_run() -> None:
    """Whatever run it was that the timer of all deadlines was set in."""
    asker: ContextVar[str] = ContextVar("asker")
    found: list[tuple[str, str]] = []

    def answer(call: Call) -> str:
        found.append((call.messages[-1].text, asker.get()))
        return "text"

    stage = Stage({"m/slow": (1e6,), "m/a": "draft", "m/w": answer})
    nodes = "p: {kind: layer, models: [m/slow, m/a]}\nw: {kind: synth, model: m/w, inputs: [p], prompt: '{{question}}'}"
    runs = []
    for name in ("one", "two", "three"):
        asker.set(name)
        runs.append(start(stage, nodes, text=name, limits=Limits(deadline_s=10, reserve_s=5)))
    await stage.sim.called("m/slow", 3)
    await stage.skip(6)
    await asyncio.gather(*runs)
    assert sorted(found) == [(name, name) for name in ("one", "three", "two")]


async def test_times_never_go_back_and_one_step_has_one() -> None:
    seconds = iter(range(10_000))
    stage = Stage({"*": "text"}, clock=lambda: float(next(seconds)))
    result = await stage.run(FAN)
    times = [event.at for event in result.events]
    assert times == sorted(times)
    ready = {event.node: event.at for event in result.events if isinstance(event, NodeReady)}
    ended = {event.node: event.at for event in result.events if isinstance(event, NodeFinished)}
    assert ended["a"] == ready["b"] == ready["c"]
