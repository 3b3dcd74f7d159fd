"""One call with all its attempts, beyond what tests/semantics/test_retries.py shows of whole runs."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.errors import Transient
from fusion_graph.events import CallFailed, CallFinished, CallStarted, FirstToken
from fusion_graph.messages import Delta
from fusion_graph.pipeline import Limits
from tests.engine.stage import Stage, critique, start

ONE = "a: {kind: proposer, model: m/a%s}"
DOWN = Transient("upstream_5xx", status=503)


async def test_attempts_are_numbered_through_all_models() -> None:
    stage = Stage({"m/a": DOWN, "m/b": [DOWN, "text"]})
    await stage.run(ONE % ", alternates: [m/b], retry: {attempts: 2}")
    assert [(e.model, e.attempt) for e in stage.heard(CallStarted)] == [
        ("m/a", 1), ("m/a", 2), ("m/b", 3), ("m/b", 4),
    ]  # fmt: skip


async def test_model_is_told_with_its_backend() -> None:
    stage = Stage(others={"second": {"m/a": "text"}})
    await stage.run("a: {kind: proposer, model: m/a@second}")
    assert [event.model for event in stage.heard(CallStarted)] == ["m/a@second"]
    assert stage.sims["second"].received[0].model == "m/a"


@pytest.mark.parametrize("delta", [Delta(text="x"), Delta(reasoning="hm")])
async def test_first_token_is_any_content(delta: Delta) -> None:
    stage = Stage({"m/a": (delta, "more ", "text")})
    await stage.run(ONE % "")
    assert len(stage.heard(FirstToken)) == 1


async def test_reasoning_keeps_an_attempt_alive() -> None:
    """A model that thinks aloud is not silent."""
    steps = tuple(step for _ in range(6) for step in (Delta(reasoning="hm "), 4.0))
    stage = Stage({"m/a": (*steps, "text")})
    run = start(stage, ONE % ", timeout: {first_token_s: 5, idle_s: 5, total_s: 60}, retry: {attempts: 1}")
    await stage.sim.called("m/a")
    for _ in range(6):
        await stage.skip(4)
    assert (await run).text == "text"


async def test_unusable_text_is_kept_for_the_trace() -> None:
    stage = Stage({"m/a": "no"})
    await stage.run(ONE % ", usable: {match: yes}, retry: {attempts: 1}")
    (failed,) = stage.heard(CallFailed)
    assert (failed.reason, failed.text) == ("unusable:match", "no")


async def test_notes_are_not_held_to_the_nodes_rule() -> None:
    """`usable` is for the text a node makes; a critique is read by the node alone."""
    stage = Stage({"m/p": "parent", "m/r": [critique("weak"), "Answer: better"]})
    result = await stage.run(
        "p: {kind: proposer, model: m/p}\nr: {kind: refine, model: m/r, inputs: [p], usable: {match: 'Answer:'}}"
    )
    assert (result.text, result.state) == ("Answer: better", "ok")


async def test_timeout_says_what_it_waited_for() -> None:
    stage = Stage({"m/a": (1e6,)})
    run = start(stage, ONE % ", timeout: {first_token_s: 7}, retry: {attempts: 1}")
    await stage.sim.called("m/a")
    await stage.skip(8)
    await run
    (failed,) = stage.heard(CallFailed)
    assert (failed.reason, failed.message) == ("timeout_first_token", "no content within 7 s")


async def test_slot_is_free_again_after_a_failure() -> None:
    stage = Stage({"m/a": [DOWN, DOWN, "text"]}, backend={"max_concurrency": 1})
    result = await stage.run(ONE % "")
    assert result.text == "text"


async def test_waiting_call_begins_nothing_after_the_close() -> None:
    """A call that waits for a slot when the run closes never starts."""
    gate = asyncio.Event()
    stage = Stage({"m/a": (gate, "alpha"), "m/w": "answer", "*": "late"}, backend={"max_concurrency": 1})
    nodes = "p: {kind: layer, models: [m/a, m/b]}\nw: {kind: synth, model: m/w, inputs: [p]}"
    run = start(stage, nodes, limits=Limits(deadline_s=10, reserve_s=5))
    await stage.sim.called("m/a")
    await stage.skip(5)
    gate.set()
    await run
    assert "m/b" not in stage.asked


async def test_answered_attempt_tells_its_usage() -> None:
    stage = Stage({"m/a": "four words of text"})
    await stage.run(ONE % "")
    (done,) = stage.heard(CallFinished)
    assert done.completion.text == "four words of text"
    assert done.usage.completion_tokens > 0
    assert done.exact


@pytest.mark.parametrize("how", ["cancelled", "closed"])
async def test_slot_of_the_backend_is_free_again_where_a_call_waits_for_one_of_the_run(how: str) -> None:
    stage = Stage({"*": (1e6,)}, backend={"max_concurrency": 2})
    nodes = "p: {kind: layer, models: [m/a, m/b]}\nw: {kind: synth, model: m/w, inputs: [p]}"
    limits = Limits(max_concurrency=1, deadline_s=10, reserve_s=5)
    run = start(stage, nodes, limits=limits)
    await stage.sim.called("m/a")
    cap = stage.fusion.services.lanes[""].cap
    assert cap is not None
    assert cap.locked()  # m/b holds the other one, and waits
    if how == "cancelled":
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    else:
        await stage.skip(10)
        assert (await run).error is not None
    assert "m/b" not in stage.asked
    async with asyncio.timeout(1), cap, cap:
        pass
