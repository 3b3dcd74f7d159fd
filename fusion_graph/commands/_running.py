"""One run from the command line, as `run` and `ask` make it: backend, pipeline, listeners, result, exit code."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from fusion_graph import settings, wiring
from fusion_graph.commands import _console
from fusion_graph.commands._answer import AnswerWriter
from fusion_graph.commands._closing import closing_line, degraded_lines
from fusion_graph.commands._exit import DEGRADED
from fusion_graph.commands._figures import several, usd
from fusion_graph.engine.record import document, trace_lines
from fusion_graph.engine.report import RunResult, total_cost
from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import UsageError
from fusion_graph.events import CallFailed, CallFinished, CallStarted, Event, Listener
from fusion_graph.messages import Message
from fusion_graph.pipeline import Pipeline

UNREACHED = frozenset({"connect_error", "auth_failed", "insufficient_credits"})
"""Reasons that are not the pipeline's fault."""
CUT = {
    "budget": "allow more with --budget-usd X, or raise the limits in the file",
    "deadline": "allow more with --deadline-s X, or raise the limits in the file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What was asked for on the command line."""

    pipeline: Pipeline
    prompt: str | None  # None: the recorded one
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    budget_usd: float | None = None
    deadline_s: float | None = None
    prices: str | None = None
    trace: str | None = None
    record: str | None = None
    replay: str | None = None
    as_json: bool = False
    stream: bool = True
    tree: bool = True  # the live tree on a terminal, and the closing line on stderr
    strict: bool = False


async def perform(job: Job) -> int:
    """Run it and print what there is to print. Returns the exit code; raises what happened before the run began."""
    setup = settings.load()
    ready = await wiring.prepare(job.pipeline, job.params, setup)
    request = RunRequest(
        messages=(Message("user", job.prompt),),
        seed=job.seed,
        stream=job.stream and not job.as_json,
        limits=wiring.limits_of(ready.bound, budget_usd=job.budget_usd, deadline_s=job.deadline_s),
    )
    prices = wiring.prices(job.prices)
    with ExitStack() as stack:
        trace = stack.enter_context(_writable(job.trace)) if job.trace else None
        _console.err(ready.told)
        screen = _Screen(job, setup)
        try:
            async with wiring.open_fusion(ready.selection, prices) as fusion:
                result = await fusion.run(ready.bound, request, screen)
        except asyncio.CancelledError:
            screen.close()
            if screen.answer.gone:
                raise screen.answer.gone from None
            raise asyncio.CancelledError(screen.spent()) from None
        finally:
            screen.close()
            if trace is not None:
                trace.writelines(f"{line}\n" for line in trace_lines(screen.events))
        _report(job, screen, result, ready, prices.date)
    return _code(job, result)


class _Screen:
    """The listener: keeps the events, draws the tree, prints the answer."""

    def __init__(self, job: Job, setup: settings.Settings) -> None:
        self.events: list[Event] = []
        self._listeners: list[Listener] = [self.events.append]
        self._tree: Any = None
        if job.tree and _console.is_terminal(sys.stderr) and not setup.dumb_terminal:
            from fusion_graph.commands._live import LiveTree

            self._tree = LiveTree(color=not setup.no_color)
            self._listeners.append(self._tree)
        task = asyncio.current_task()
        assert task is not None
        self.answer = AnswerWriter(before=self._before_answer, leave=task.cancel)
        if not job.as_json:
            self._listeners.append(self.answer)

    def __call__(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)

    def close(self) -> None:
        if self._tree is not None:
            self._tree.stop()

    def spent(self) -> str:
        """What the calls so far may have cost."""
        attempts = sum(isinstance(event, CallStarted) for event in self.events)
        cost = total_cost(event.cost_usd for event in self.events if isinstance(event, CallFinished | CallFailed))
        return f"{several(attempts, 'call')}, {'cost unknown' if cost is None else usd(cost)} spent"

    def _before_answer(self) -> None:
        """Two writers on one screen would spoil each other: the tree stays as it is."""
        if self._tree is not None and _console.is_terminal(sys.stdout):
            self._tree.stop()
            self._listeners.remove(self._tree)
            _console.err("")


def _report(job: Job, screen: _Screen, result: RunResult, ready: wiring.Ready, prices_date: str) -> None:
    if job.as_json:
        where = {"backends": [one._asdict() for one in ready.used], "renamed_models": dict(ready.renamed)}
        ascii_only = not _console.takes_unicode()  # else what it cannot show would be no JSON
        _console.out(json.dumps(document(result) | where, ensure_ascii=ascii_only, indent=2, allow_nan=False))
    else:
        screen.answer.finish(result)
        if screen.answer.gone:
            raise screen.answer.gone
    for line in degraded_lines(result) if result.error is None else ():
        _console.err(line)
    if job.tree:  # also in a pipe: what a run has cost belongs in a log
        _console.err(closing_line(result, prices_date))
    if result.error is not None:
        _console.error(result.error.message, result.error.hint or _hint(result))


def _hint(result: RunResult) -> str:
    reason = result.error.reason if result.error else ""
    if reason in CUT:
        return CUT[reason]
    unreached = UNREACHED.intersection(node.reason for node in result.nodes)
    return "`fusiongraph doctor` says which backend is in use, why, and whether it answers" if unreached else ""


def _code(job: Job, result: RunResult) -> int:
    if result.error is not None:
        return result.error.exit_code
    return DEGRADED if job.strict and result.degraded else 0


def _writable(name: str) -> TextIO:
    """Opened before anything is spent."""
    try:
        return Path(name).open("w", encoding="utf-8")
    except OSError as fault:
        raise UsageError(
            f"the trace file {name} cannot be written: {fault.strerror}", hint="name another one"
        ) from fault
