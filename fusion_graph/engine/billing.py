"""What attempts cost: reservations before, settlement after, and the events that carry the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusion_graph.engine.acceptance import Unusable
from fusion_graph.engine.estimates import NOTHING, estimated_usage, worst_case
from fusion_graph.errors import NodeFailed, ProviderError
from fusion_graph.events import CallFailed, CallFinished
from fusion_graph.graph.options import is_hedge_arm
from fusion_graph.messages import Call, Completion, Usage

if TYPE_CHECKING:
    from fusion_graph.engine.calls import CallRun
    from fusion_graph.engine.lanes import Lane
    from fusion_graph.engine.ledger import Amount
    from fusion_graph.engine.run import Run


def reserve(call: CallRun, lane: Lane, request: Call) -> Amount:
    """Set the attempt's worst case aside. One that does not fit stops the run's spending, unless it is a hedge's
    arm."""
    run, i = call.run, call.node.index
    assert run.ledger is not None
    writer = call.ask.purpose != "note" and i in run.bound.writers
    worst = worst_case(request, run.services, lane)
    reservation = run.ledger.reserve(worst, writer=writer, held_only=run.progress.closed == "budget")
    if reservation is None:
        if is_hedge_arm(run.progress, i):
            raise NodeFailed("hedge_not_launched", "the budget has no room for another runner")
        run.close("budget")
        raise NodeFailed("budget", f"the next call (at most {worst.usd:.6f} USD) does not fit the run's limits")
    return reservation


def book(call: CallRun, lane: Lane, request: Call, completion: Completion) -> None:
    """An attempt was answered."""
    run, usage = call.run, completion.usage
    if usage is None or usage.cost_usd is None:
        usage, cost = _bill(run, lane, request, completion)
    else:
        cost = usage.cost_usd
    if call.reservation is not None:
        _settle(call, cost, usage)
    head = (run.clock(), CallFinished, call.node.id, call.number, call.attempt, call.model)
    run.emit((*head, completion, usage, cost, not usage.estimated))


def fail(call: CallRun, lane: Lane, request: Call, error: ProviderError) -> None:
    """An attempt failed or was cancelled. It cost nothing when the backend refused it or never got it."""
    run, text = call.run, ""
    if isinstance(error, Unusable):
        text = error.completion.text
        usage, cost = _bill(run, lane, request, error.completion)
    elif error.usage is not None:
        usage, cost = error.usage, run.services.cost(lane, request.model, error.usage)
    elif not error.sent or (error.status is not None and not call.arrived):
        usage, cost = NOTHING, 0.0
    else:
        usage = estimated_usage(request, call.arrived)
        cost = run.services.cost(lane, request.model, usage)
    if call.reservation is not None:
        _settle(call, cost, usage)
    call.pause = None if error.reason == "cancelled" else call.next_wait(error)
    head = (run.clock(), CallFailed, call.node.id, call.number, call.attempt, call.model)
    run.emit((*head, error.reason, error.message, usage, cost, call.pause, text))


def _bill(run: Run, lane: Lane, request: Call, completion: Completion) -> tuple[Usage, float | None]:
    """The backend's figures; without them an estimate that says so."""
    usage = completion.usage or estimated_usage(request, len(completion.text) + len(completion.reasoning))
    return usage, run.services.cost(lane, request.model, usage)


def _settle(call: CallRun, cost: float | None, usage: Usage) -> None:
    ledger, reservation = call.run.ledger, call.reservation
    assert ledger is not None
    assert reservation is not None
    ledger.settle(reservation, cost, usage.total_tokens)
    call.reservation = None
