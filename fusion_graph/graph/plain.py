"""How any node but a join or a fallback waits: for all its inputs, each edge saying what it tolerates (semantics 1).
Functions over a run's Progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusion_graph.graph.plan import CLOSINGS
from fusion_graph.outputs import Outcome

if TYPE_CHECKING:
    from fusion_graph.graph.progress import Progress


def notice(run: Progress, c: int, i: int, outcome: Outcome) -> None:
    """An input settled. A required one that failed ends c at once; one that was skipped is judged when all are settled,
    for a failed one wins over it."""
    state = run.states[c]
    if outcome.value is None and i in run.plan.required[c] and not _is_excused(run, outcome):
        if outcome.state != "skipped":
            run.settle(c, Outcome("failed", None, f"upstream:{run.plan.ids[i]}"))
            return
        state.skips += 1
    if state.pending == 0:
        ready(run, c)


def ready(run: Progress, c: int) -> None:
    """All inputs are settled and none of them failed c: it starts, unless one was skipped or no draft is left."""
    plan = run.plan
    if run.states[c].skips:
        lost = next(s for s in plan.sources[c] if s in plan.required[c] and _was_skipped(run, s))
        run.settle(c, Outcome("skipped", None, f"upstream:{plan.ids[lost]}"))
        return
    drafts = plan.draft_sources[c]
    if drafts is not None and not any(map(run.has_value, drafts)):
        run.settle(c, Outcome("failed", None, "no_input", "no draft is left to work on"))
        return
    run.start(c)


def _is_excused(run: Progress, outcome: Outcome) -> bool:
    """What the closing of the run ended counts as an absent optional input."""
    return bool(run.closed) and outcome.reason in CLOSINGS


def _was_skipped(run: Progress, s: int) -> bool:
    outcome = run.states[s].outcome
    return outcome is not None and outcome.state == "skipped"
