"""The end of a run: its answer with all the texts that were asked for, or why there is none; then its last event."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fusion_graph.engine.answer_form import breach
from fusion_graph.engine.degraded import degraded_entries
from fusion_graph.engine.report import RunResult
from fusion_graph.errors import RunFailed
from fusion_graph.events import NodeFinished, RunFinished
from fusion_graph.outputs import Draft, drafts_of

if TYPE_CHECKING:
    from fusion_graph.contracts import Memory
    from fusion_graph.engine.run import Run


def answer_of(run: Run) -> tuple[Draft | None, str]:
    """What the output gave, or the reason why it gave nothing."""
    outcome = run.progress.states[run.bound.output].outcome
    assert outcome is not None
    drafts = drafts_of(outcome.value)
    return (drafts[0] if drafts else None), outcome.reason


def conclude(run: Run, answer: Draft | None, reason: str) -> RunResult:
    """The result, once the answer stands or is given up; tells the last event."""
    if run.memory is not None:
        _tell_lost(run, run.memory)
    choices: tuple[Draft, ...] = ()
    if answer is not None:
        choices = _choices(run, answer)
        if run.live is not None:
            run.live.close(choices)
    error = None if answer is not None else _error(run, reason)
    troubled = run.troubled or (answer is not None and answer.truncated)
    degraded = degraded_entries(run.bound, run.trace.events, answer) if troubled else ()
    state = "failed" if error else "degraded" if degraded else "ok"
    run.emit((run.clock(), RunFinished, state, error.reason if error else ""))
    return RunResult(
        run_id=run.run_id,
        bound=run.bound,
        trace=run.trace,
        degraded=degraded,
        answer=answer,
        choices=choices,
        error=error,
    )


def _tell_lost(run: Run, memory: Memory) -> None:
    """What earlier tries went without, and this one has not asked again."""
    progress, index = run.progress, run.bound.plan.index
    for name, reason, text, action in memory.lost:
        outcome = progress.states[index[name]].outcome if name in index else None
        if reason == "late" or outcome is None or outcome.reason == "not_needed":
            run.degrade(name, reason, text, action)


def _choices(run: Run, answer: Draft) -> tuple[Draft, ...]:
    """All n texts. An answer that the n-fold call did not write (a fallback's, an earlier round's) is given n times,
    degraded."""
    n = run.request.n
    if n <= 1:
        return (answer,)
    written = run.choices.get(run.bound.by_id[answer.node].index)  # type: ignore[index]
    unsent = run.live is None or run.live.node < 0
    if written is not None and unsent and any(breach(run.request.writer, text) for text in written):
        written = None
    if written is None or written[0].text != answer.text:
        run.degrade(
            answer.node, "single_choice", f"{n} texts were asked for, one is there", "the same text was given for each"
        )
        return (answer,) * n
    return tuple(
        replace(
            answer,
            text=c.text,
            finish_reason=c.finish_reason,
            tool_calls=c.tool_calls,
            model=c.model or answer.model,
        )
        for c in written
    )


def _error(run: Run, reason: str) -> RunFailed:
    """Every node's own error class and words, in file order, so that nobody has to guess which key or model it was."""
    failed = [
        e
        for e in run.trace.events
        if isinstance(e, NodeFinished) and e.state in ("failed", "cancelled") and not e.reason.startswith("upstream:")
    ]
    failed.sort(key=lambda e: run.bound.plan.index[e.node])
    causes = [f"{e.node}: {e.reason}" + (f" ({e.detail})" if e.detail not in ("", e.reason) else "") for e in failed]
    reason = run.progress.closed or reason
    told = {
        "budget": "the budget ended the run before there was an answer",
        "deadline": "no answer before the deadline",
    }
    head = told.get(reason, "no node gave a usable answer")
    return RunFailed(reason, "\n  ".join([head, *causes]))
