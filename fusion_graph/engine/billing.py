"""What attempts cost: reservations before, settlement after, and the events that carry the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusion_graph.engine.acceptance import Unusable
from fusion_graph.engine.estimates import estimated_usage, worst_case
from fusion_graph.engine.retries import next_wait
from fusion_graph.errors import NodeFailed, NotLaunched, ProviderError
from fusion_graph.events import CallFailed, CallFinished
from fusion_graph.graph.options import is_hedge_arm
from fusion_graph.messages import NO_USAGE, Completion, Usage

if TYPE_CHECKING:
    from fusion_graph.engine.attempts import CallRun
    from fusion_graph.engine.ledger import Amount

NO_ROOM = ("hedge_not_launched", "the budget has no room for another runner")


def reserve(call: CallRun) -> Amount:
    """Set the attempt's worst case aside. One that does not fit stops the run's spending, unless it is a hedge's
    arm."""
    run, i = call.run, call.node.index
    assert run.ledger is not None
    writer = call.ask.purpose != "note" and i in run.bound.writers
    worst = worst_case(call.request, run.services, call.lane)
    reservation = run.ledger.reserve(worst, writer=writer)
    if reservation is None:
        if is_hedge_arm(run.progress, i):
            spent = call.number or call.attempt
            raise NodeFailed(*NO_ROOM) if spent else NotLaunched(*NO_ROOM)
        run.ledger.stopped = True
        run.close("budget")
        raise NodeFailed("budget", f"the next call (at most {worst.usd:.6f} USD) does not fit the run's limits")
    return reservation


def book(call: CallRun, completion: Completion) -> None:
    """An attempt was answered."""
    run, usage = call.run, completion.usage
    if usage is None or usage.cost_usd is None:
        usage, cost = _bill(call, completion)
    else:
        cost = usage.cost_usd
    if call.reservation is not None:
        _settle(call, cost, usage)
    now, exact = run.clock(), not usage.estimated
    run.emit((now, CallFinished, call.node.id, call.number, call.attempt, call.model, completion, usage, cost, exact))


def fail(call: CallRun, error: ProviderError) -> None:
    """An attempt failed or was cancelled. It cost nothing when the backend refused it or never got it."""
    run, text = call.run, ""
    if isinstance(error, Unusable):
        text = error.completion.text
        usage, cost = _bill(call, error.completion)
    elif error.usage is not None:
        usage, cost = error.usage, _cost(call, error.usage)
    elif not error.sent or (error.status is not None and not call.arrived):
        usage, cost = NO_USAGE, 0.0
    else:
        usage = estimated_usage(call.request, call.arrived)
        cost = _cost(call, usage)
    if call.reservation is not None:
        _settle(call, cost, usage)
    call.pause = None if error.reason == "cancelled" else next_wait(call, error)
    head = (run.clock(), CallFailed, call.node.id, call.number, call.attempt, call.model)
    told = (error.reason, error.message, usage, cost, call.pause, text, error.status, error.retry_after_s)
    run.emit((*head, *told))


def _bill(call: CallRun, completion: Completion) -> tuple[Usage, float | None]:
    """The backend's figures; without them an estimate that says so."""
    usage = completion.usage or estimated_usage(call.request, len(completion.text) + len(completion.reasoning))
    return usage, _cost(call, usage)


def _cost(call: CallRun, usage: Usage) -> float | None:
    return call.run.services.cost(call.lane, call.request.model, usage)


def _settle(call: CallRun, cost: float | None, usage: Usage) -> None:
    ledger, reservation = call.run.ledger, call.reservation
    assert ledger is not None
    assert reservation is not None
    ledger.settle(reservation, cost, usage.total_tokens)
    call.reservation = None
