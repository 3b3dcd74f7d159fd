"""What one attempt means for its call and its run: whether there is another, and what a cut does."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.contracts import Ask
from fusion_graph.engine.acceptance import Unusable
from fusion_graph.engine.attempts import BACKOFF_CAP_S, NEVER, CallRun
from fusion_graph.engine.request import RunRequest
from fusion_graph.engine.run import Run
from fusion_graph.errors import NodeFailed, Permanent, ProviderError, Transient
from fusion_graph.messages import WHOLE, Completion, Message, Purpose
from tests.engine.stage import Stage
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
    waits = [call.next_wait(DOWN) for call.attempt in range(50)]
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
