"""What one attempt means for its call and its run: whether there is another, and what a cut does."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.contracts import Ask
from fusion_graph.engine.attempts import NEVER, CallRun
from fusion_graph.engine.request import RunRequest
from fusion_graph.engine.run import Run
from fusion_graph.errors import NodeFailed, Permanent, Transient
from fusion_graph.messages import WHOLE, Message, Purpose
from tests.engine.stage import Stage
from tests.graph.walk import bound_of

ONE = "a: {kind: proposer, model: m/a%s}"
DOWN = Transient("upstream_5xx", status=503)


def call_of(options: str = "", purpose: Purpose = "final") -> CallRun:
    """A call that nobody has begun."""
    bound = bound_of(ONE % options)
    run = Run(Stage().fusion.services, bound, RunRequest(messages=(Message("user", "?"),)), None)
    return CallRun(run, bound.nodes[0], Ask((Message("user", "x"),), purpose), 0)


# --- which attempt is next --------------------------------------------------------------------------------------------

MORE = ", alternates: [m/b]"


def test_a_model_is_aimed_at_until_it_is_given_up() -> None:
    call = call_of(MORE)
    assert call.advance()
    assert call.request.model == "m/a"
    call.pause = 0.5  # the failed attempt said that there is another
    call.tried = 1
    assert call.advance()
    assert (call.request.model, call.tried) == ("m/a", 1)
    assert call.pause is None
    assert call.lost(Permanent("bad_request")) is not None
    assert call.advance()
    assert (call.request.model, call.tried) == ("m/b", 0)
    call.lost(DOWN)
    assert not call.advance()
    assert [(str(ref), error.reason) for ref, error in call.failures] == [
        ("m/a", "bad_request"), ("m/b", "upstream_5xx")
    ]  # fmt: skip


def test_no_other_model_is_asked_once_the_run_closes() -> None:
    call = call_of(MORE)
    call.advance()
    call.lost(DOWN)
    call.run.progress.closed = "deadline"
    assert not call.advance()


def test_a_closing_run_begins_no_call_but_a_writers() -> None:
    """semantics 4."""
    note, final = call_of(purpose="note"), call_of()
    for call in (note, final):
        call.run.progress.closed = "deadline"
    with pytest.raises(NodeFailed, match="deadline"):
        note.advance()
    assert final.advance()


def test_a_lost_attempt_keeps_nothing_of_its_client() -> None:
    call = call_of()
    call.advance()
    try:
        int("no number")
    except ValueError as fault:
        raised = Permanent("bad_response").with_traceback(fault.__traceback__)
        raised.__cause__ = raised.__context__ = fault
    error = call.lost(raised)
    assert error is not None
    assert (error.__cause__, error.__context__, error.__traceback__) == (None, None, None)


# --- limits and cuts --------------------------------------------------------------------------------------------------


async def test_whole_reply_has_no_timer_and_the_next_attempt_has_its_own() -> None:
    call = call_of()
    call.aim(call.options.model)
    call.begin()
    call.saw(WHOLE)
    assert call.timeout is NEVER
    assert call.last_at == 0.0  # word of the end is no content
    call.end()
    call.begin()
    assert call.timeout == call.options.timeout
    call.end()
    call.run.services.watchdog.stop()


async def test_second_cut_changes_nothing() -> None:
    call = call_of()
    call.task = asyncio.create_task(asyncio.sleep(1e6))
    call.cut("timeout_idle")
    call.cut("budget")
    with pytest.raises(asyncio.CancelledError):
        await call.task
    assert call.task.cancelling() == 1
