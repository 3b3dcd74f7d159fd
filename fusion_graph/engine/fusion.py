"""The engine's façade: runs bound pipelines. One per process; holds what its runs share, and nothing of any run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Self

from fusion_graph.engine.conclusion import answer_of, conclude
from fusion_graph.engine.lanes import Lanes
from fusion_graph.engine.ledger import Amount, Ledger
from fusion_graph.engine.mending import UNMET, keep_contract
from fusion_graph.engine.preflight import check_run
from fusion_graph.engine.report import RunResult
from fusion_graph.engine.run import Run, idle
from fusion_graph.engine.scheduler import Scheduler
from fusion_graph.engine.services import Services
from fusion_graph.engine.watchdog import Watchdog
from fusion_graph.events import Event, Listener, RunFinished, RunStarted
from fusion_graph.toolbox import NO_TOOLS, Toolbox

if TYPE_CHECKING:
    from fusion_graph.contracts import Backend, Provider
    from fusion_graph.engine.pricing import Prices
    from fusion_graph.engine.request import RunRequest
    from fusion_graph.graph.bound import Bound


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
            answer, reason = answer_of(run)
            if answer is not None and request.writer is not None:
                answer = await keep_contract(run, answer)
                reason = reason if answer is not None else UNMET
            return conclude(run, answer, reason)
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
