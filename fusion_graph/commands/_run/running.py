"""One run from the command line, as `run` and `ask` make it: backend, pipeline, listeners, result, exit code."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from fusion_graph import settings
from fusion_graph.commands import _console
from fusion_graph.commands._exit import DEGRADED
from fusion_graph.commands._journal import Notebook, conclude, notebook, tell_plan
from fusion_graph.commands._run.answer import AnswerWriter
from fusion_graph.commands._run.closing import closing_line, degraded_lines
from fusion_graph.engine.estimates import prompt_tokens
from fusion_graph.engine.record import document, trace_lines
from fusion_graph.engine.report import RunResult
from fusion_graph.errors import UsageError
from fusion_graph.events import CallFailed, CallFinished, CallStarted, Event, Listener
from fusion_graph.figures import several, usd
from fusion_graph.graph.forecast.estimate import estimate
from fusion_graph.graph.identity import identities
from fusion_graph.messages import total_cost
from fusion_graph.store.cassette import Cassette
from fusion_graph.store.past import Past
from fusion_graph.tapes.recording import Recording
from fusion_graph.tapes.replaying import Replaying
from fusion_graph.tapes.straight import Asked, Straight
from fusion_graph.toolbox import NO_TOOLS
from fusion_graph.wiring import engines
from fusion_graph.wiring.tools import Allowed, toolbox_for

if TYPE_CHECKING:
    from fusion_graph.commands._run.live import LiveTree

UNREACHED = frozenset({"connect_error", "auth_failed", "insufficient_credits"})
"""Reasons that are not the pipeline's fault."""
CUT = {
    "budget": "allow more with --budget-usd X, or raise the limits in the file",
    "deadline": "allow more with --deadline-s X, or raise the limits in the file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is run, and how the command line wants it told."""

    asked: Asked
    prices: str | None = None
    trace: str | None = None
    as_json: bool = False
    tree: bool = True  # the live tree on a terminal, and the closing line on stderr
    strict: bool = False
    allowed: Allowed = field(default_factory=Allowed)
    command: str = "run"
    keep: bool = True  # write the run down
    cache: bool = False
    past: Past | None = None  # the run that goes on
    record: str | None = None  # a file
    cassette: Cassette | None = None  # answers in place of the models


async def perform(job: Job) -> int:
    """Run it and print what there is to print. Returns the exit code; raises what happened before the run began."""
    setup = settings.load()
    with ExitStack() as stack:
        deck = _deck(job, stack)
        ready = await deck.prepare(setup)
        prices = deck.prices(job.prices)
        tools = NO_TOOLS if job.cassette is not None else await toolbox_for(ready.bound, setup, job.allowed)
        trace = stack.enter_context(_writable("trace file", job.trace)) if job.trace else None
        book = stack.enter_context(_open_book(job, setup, ready))
        request = deck.request(ready, run_id=book.run_id, fence=book.fence)
        for line in (ready.told, *deck.warnings()):
            _console.err(line)
        if job.past is not None:
            made = estimate(ready.bound, engines.rates(setup, prices), prompt_tokens(job.asked.messages))
            same = identities(ready.bound, job.asked.messages, ready.selection.default)
            tell_plan(job.past, ready.bound, same, made)
        screen = _Screen(job, setup, deck.listen)
        try:
            async with deck.open(ready, prices, tools) as fusion:
                result = await fusion.run(ready.bound, replace(request, memory=book.memory), screen)
        except asyncio.CancelledError:
            screen.close()
            if screen.answer.gone:
                raise screen.answer.gone from None
            if book.journal is not None and not book.off:
                _console.err(f"to go on: fusiongraph run --resume {book.run_id}")
            raise asyncio.CancelledError(screen.spent()) from None
        finally:
            screen.close()
            if trace is not None:
                trace.writelines(f"{line}\n" for line in trace_lines(screen.events))
        conclude(book, document(result))
        doubts = list(deck.conclude(result))
        _report(job, screen, result, ready, prices.date, book)
        for line in doubts:
            _console.err(line)
    return _code(job, result)


class _Screen:
    """The listener: keeps the events, draws the tree, prints the answer."""

    def __init__(self, job: Job, setup: settings.Settings, first: Listener) -> None:
        self.events: list[Event] = []
        self._listeners: list[Listener] = [first, self.events.append]
        self._tree: LiveTree | None = None
        if job.tree and _console.is_terminal(sys.stderr) and not setup.dumb_terminal:
            from fusion_graph.commands._run.live import LiveTree

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


def _report(
    job: Job, screen: _Screen, result: RunResult, ready: engines.Ready, prices_date: str, book: Notebook
) -> None:
    if job.as_json:
        where = {"backends": [one._asdict() for one in ready.used], "renamed_models": dict(ready.renamed)}
        where["journal"] = _journal_state(book)
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


def _open_book(job: Job, setup: settings.Settings, ready: engines.Ready) -> AbstractContextManager[Notebook]:
    return notebook(
        setup,
        ready.bound,
        job.asked.messages,
        backend=ready.selection.default,
        command=job.command,
        seed=job.asked.seed,
        past=job.past,
        keep=job.keep,
        cache=job.cache,
    )


def _journal_state(book: Notebook) -> dict[str, str]:
    if book.journal is None:
        return {"state": "not kept"}
    return {"state": "off", "reason": book.off} if book.off else {"state": "on"}


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


def _deck(job: Job, stack: ExitStack) -> Straight:
    """How the run meets its models."""
    asked = job.asked._replace(stream=job.asked.stream and not job.as_json)
    if job.cassette is not None:
        return Replaying(asked, job.cassette)
    if job.record is None:
        return Straight(asked)
    return Recording(asked, stack.enter_context(_writable("cassette", job.record)))


def _writable(what: str, name: str) -> TextIO:
    """Opened before anything is spent."""
    try:
        return Path(name).open("w", encoding="utf-8")
    except OSError as fault:
        raise UsageError(f"the {what} {name} cannot be written: {fault.strerror}", hint="name another one") from fault
