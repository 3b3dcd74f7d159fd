"""How a run stops waiting, for its deadline or its budget, and how it ends (semantics 4). Functions over a run's
Progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusion_graph.graph import groups
from fusion_graph.graph.plan import RUNNING, WAITING
from fusion_graph.outputs import Outcome

if TYPE_CHECKING:
    from fusion_graph.graph.progress import Progress


def close(run: Progress, reason: str) -> None:
    """Groups settle with what is there, calls that do not write the answer end. On `budget` calls in flight finish,
    because they are reserved; on `deadline` they are cancelled."""
    if run.closed:
        return
    run.closed = reason
    plan = run.plan
    for i in plan.order:
        if plan.calls[i] and i not in plan.writers:
            _stop(run, i, keep_running=reason == "budget")
    run.propagate()
    for i in plan.order:  # groups that wait for a writer, or for a quorum that no longer counts
        if plan.group_waits[i] is not None and run.phase[i] == WAITING and run.stage[i]:
            groups.weigh(run, i)
            run.propagate()


def end(run: Progress, reason: str) -> None:
    """All calls end now; the output takes the first settled option that is usable."""
    close(run, reason)
    run.ended = True
    for i in run.plan.order:
        if run.plan.calls[i]:
            _stop(run, i, keep_running=False)
            run.propagate()


def _stop(run: Progress, i: int, *, keep_running: bool) -> None:
    """End a call that was demanded, unless it runs and may finish."""
    if run.phase[i] not in (WAITING, RUNNING):
        return
    if run.was_begun(i):
        if keep_running:
            return
        run.cancels.append(i)
    run.settle(i, Outcome("cancelled", None, run.closed))
