"""The engine's façade: runs bound pipelines. One per process; holds what its runs share, and nothing of any run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from fusion_graph.engine.answer_form import breach
from fusion_graph.engine.degraded import degraded_entries
from fusion_graph.engine.lanes import Lanes
from fusion_graph.engine.ledger import Amount, Ledger
from fusion_graph.engine.mending import UNMET, keep_contract
from fusion_graph.engine.preflight import check_run
from fusion_graph.engine.report import RunResult
from fusion_graph.engine.run import Run, idle
from fusion_graph.engine.scheduler import Scheduler
from fusion_graph.engine.services import Services
from fusion_graph.engine.watchdog import Watchdog
from fusion_graph.errors import NodeFailed, RunFailed
from fusion_graph.events import Event, Listener, NodeFinished, RunFinished, RunStarted
from fusion_graph.outputs import Draft, drafts_of
from fusion_graph.toolbox import NO_TOOLS, Toolbox

if TYPE_CHECKING:
    from fusion_graph.contracts import Backend, Memory, Provider
    from fusion_graph.engine.pricing import Prices
    from fusion_graph.engine.request import RunRequest
    from fusion_graph.graph.binding import Bound


class Fusion:
    """Everything below is shared by all runs. `sleep` and `clock` are arguments so that tests own time."""

    def __init__(
        self,
        *,
        providers: Mapping[str, Provider],
        backends: Mapping[str, Backend],
        default_backend: str,
        prices: Prices,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        toolbox: Toolbox = NO_TOOLS,
    ) -> None:
        lanes = Lanes(backends, providers, default_backend, clock)
        self.services = Services(
            lanes=lanes, prices=prices, sleep=sleep, clock=clock, watchdog=Watchdog(clock), toolbox=toolbox
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()

    async def run(self, bound: Bound, request: RunRequest, listener: Listener | None = None) -> RunResult:
        """Run to an answer or to its failure, which is a result too.

        Raises UsageError before anything is spent (missing key, unknown backend, unknown price under a budget, a budget
        too small for one writer call) and CancelledError when cancelled, after every call has ended.
        """
        bound = _for_turn(bound, request)
        hold = check_run(bound, request, self.services)
        for backend in bound.backends:  # a client that must first be imported would hold up the first calls
            _ = self.services.lanes[backend].client
        memory = request.memory
        run = Run(self.services, bound, request, listener if memory is None else _both(memory.tell, listener))
        if run.limits.max_concurrency > 0:
            run.cap = asyncio.Semaphore(run.limits.max_concurrency)
        if hold is not None:
            run.ledger = Ledger(run.limits, hold)
            if memory is not None:
                run.ledger.spent = Amount(*memory.spent)
        run.emit((run.clock(), RunStarted, run.run_id, bound.pipeline.name, bound.nodes, run.seed))
        try:
            await Scheduler(run).run()
            return await _conclude(run)
        except asyncio.CancelledError:
            run.emit((run.clock(), RunFinished, "cancelled", ""))
            raise
        except BaseExceptionGroup as group:  # a bug, not a failed node: show it as it is
            raise group.exceptions[0] from None
        finally:
            if memory is not None:
                await memory.commit()
            run.wake, run.live = idle, None  # what knows the run too: cut that, so nothing waits for the collector
            run.tasks.clear()

    async def aclose(self) -> None:
        """Close every connection and child process."""
        self.services.watchdog.stop()
        await self.services.lanes.aclose()
        if self.services.toolbox.close is not None:
            await self.services.toolbox.close()


def _both(tell: Listener, listener: Listener | None) -> Listener:
    if listener is None:
        return tell

    def each(event: Event) -> None:
        tell(event)
        listener(event)

    return each


def _for_turn(bound: Bound, request: RunRequest) -> Bound:
    """A turn that ends in a tool result runs the final writer alone, unless the pipeline says `full`."""
    if request.messages and request.messages[-1].role == "tool" and bound.pipeline.on_tool_turn == "writer_only":
        return bound.tool_turn or bound
    return bound


async def _conclude(run: Run) -> RunResult:
    """The answer, or why there is none; then the last event."""
    outcome = run.progress.outcomes[run.bound.output]
    assert outcome is not None
    drafts = drafts_of(outcome.value)
    answer, reason = drafts[0] if drafts else None, outcome.reason
    if answer is not None and run.request.writer is not None:
        try:
            answer = await keep_contract(run, answer)
        except NodeFailed as unmet:
            answer, reason = None, UNMET
            run.degrade(run.bound.nodes[run.bound.output].id, UNMET, unmet.message, "no answer was returned")
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
        outcome = progress.outcomes[index[name]] if name in index else None
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
