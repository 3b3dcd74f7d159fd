"""How a run stops waiting, for its deadline or its budget, and how it ends (semantics 4). Functions over a run's
Progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusion_graph.graph import groups, wanted
from fusion_graph.graph.plan import WAITING

if TYPE_CHECKING:
    from fusion_graph.graph.progress import Progress


def close(run: Progress, reason: str) -> bool:
    """Groups settle with what is there, calls that do not write the answer end. On `budget` calls in flight finish,
    because they are reserved; on `deadline` they are cancelled, also after a budget stop: the time that is kept for the
    writer is kept. False: the run is closed already."""
    if run.closed in (reason, "deadline"):
        return False
    run.closed = reason
    plan = run.plan
    for i in plan.order:
        if plan.calls[i] and i not in plan.writers:
            wanted.stop(run, i, keep_running=reason == "budget")
    run.propagate()
    for i in plan.order:  # groups that wait for a writer, or for a quorum that no longer counts
        if plan.group_waits[i] is not None and run.states[i].phase == WAITING and run.states[i].stage:
            groups.weigh(run, i)
            run.propagate()
    return True


def end(run: Progress, reason: str) -> None:
    """All calls end now; the output takes the first settled option that is usable."""
    close(run, reason)
    run.ended = True
    for i in run.plan.order:
        if run.plan.calls[i]:
            wanted.stop(run, i, keep_running=False)
            run.propagate()
