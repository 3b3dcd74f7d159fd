"""One call with all its attempts, beyond what tests/semantics/test_retries.py shows of whole runs."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.contracts import Ask
from fusion_graph.engine import calls
from fusion_graph.engine.acceptance import Unusable
from fusion_graph.engine.calls import BACKOFF_CAP_S, CallRun
from fusion_graph.engine.request import RunRequest
from fusion_graph.engine.run import Run
from fusion_graph.errors import Permanent, ProviderError, Transient
from fusion_graph.events import CallFailed, CallFinished, CallStarted, FirstToken
from fusion_graph.messages import Completion, Delta, Message, Purpose
from tests.engine.stage import Stage, critique, start
from tests.graph.walk import bound_of

ONE = "a: {kind: proposer, model: m/a%s}"
DOWN = Transient("upstream_5xx", status=503)


def call_of(options: str = "", purpose: Purpose = "final") -> CallRun:
    """A call that nobody has begun."""
    bound = bound_of(ONE % options)
    run = Run(Stage().fusion.services, bound, RunRequest(messages=(Message("user", "?"),)), None)
    return CallRun(run, bound.nodes[0], Ask((Message("user", "x"),), purpose), 0)


@pytest.mark.parametrize(("tried", "ceiling"), [(1, 0.5), (2, 1), (3, 2), (5, 8), (9, BACKOFF_CAP_S)])
def test_wait_is_drawn_below_a_doubling_ceiling(tried: int, ceiling: float) -> None:
    call = call_of(", retry: {attempts: 10}")
    call.tried = tried
    waits = [call.next_wait(DOWN) for _ in range(50)]
    assert all(wait is not None and 0 <= wait <= ceiling for wait in waits)
    assert max(wait or 0 for wait in waits) > ceiling / 3


@pytest.mark.parametrize(
    ("error", "tried", "again"),
    [
        (DOWN, 2, True),
        (DOWN, 3, False),
        (Permanent("bad_request"), 1, False),
        (Transient("empty_output"), 1, True),
        (Transient("empty_output"), 2, False),
        (Unusable("blank", Completion()), 2, False),
        (Unusable("match", Completion()), 2, True),
    ],
)
def test_who_may_try_again(error: ProviderError, tried: int, again: bool) -> None:
    call = call_of()
    call.tried = tried
    assert (call.next_wait(error) is not None) is again


def test_nobody_tries_again_after_the_close() -> None:
    call = call_of()
    call.tried = 1
    call.run.progress.closed = "deadline"
    assert call.next_wait(DOWN) is None


def test_wait_never_passes_the_deadline() -> None:
    call = call_of()
    call.tried = 1
    call.run.deadline = call.run.clock() + 5
    assert call.next_wait(Transient("rate_limited", retry_after_s=4)) == 4
    assert call.next_wait(Transient("rate_limited", retry_after_s=6)) is None


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
    from fusion_graph.pipeline import Limits

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


def test_module_says_what_is_empty() -> None:
    assert {"empty_output", "unusable:blank"} == calls.EMPTY


async def test_second_cut_changes_nothing() -> None:
    call = call_of()
    call.task = asyncio.create_task(asyncio.sleep(1e6))
    call.cut("timeout_idle")
    call.cut("budget")
    with pytest.raises(asyncio.CancelledError):
        await call.task
    assert call.task.cancelling() == 1
