"""A conversation from the command line: settings, pipeline and engine put together, on a terminal or in a pipe."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fusion_graph import settings
from fusion_graph.chat.commands import SLASHES
from fusion_graph.chat.pipe import PipeScreen
from fusion_graph.chat.talk import Talk
from fusion_graph.commands import _console
from fusion_graph.commands._figures import several
from fusion_graph.commands._journal import shut
from fusion_graph.engine.record import document
from fusion_graph.engine.request import RunRequest
from fusion_graph.store.journal import Job, Journal, RunMemory
from fusion_graph.store.series import Series
from fusion_graph.wiring import engines, pipelines
from fusion_graph.wiring.tools import Allowed, toolbox_for

if TYPE_CHECKING:
    from fusion_graph.chat.talk import Screen
    from fusion_graph.engine.fusion import Fusion
    from fusion_graph.engine.report import RunResult
    from fusion_graph.events import Listener
    from fusion_graph.messages import Message

FAILED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was asked for on the command line."""

    pipeline: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    budget_usd: float | None = None
    journal: bool = False
    prices: str | None = None
    allowed: Allowed = field(default_factory=Allowed)


async def talk(choice: Choice) -> int:
    """Until the input ends. The exit code: in a pipe 1 if a turn was not answered."""
    setup = settings.load()
    panel = _Panel(setup, choice, _Book(setup, wanted=choice.journal))
    await panel.switch(choice.pipeline or pipelines.DEFAULT_PIPELINE)
    ends = (sys.stdin, sys.stdout)
    on_terminal = all(map(_console.is_terminal, ends)) and not setup.dumb_terminal  # which cannot go back to a line
    _console.err(panel.told)
    try:
        conversation = Talk(panel, PipeScreen(sys.stdin, _console.out, _console.err))
        if on_terminal:
            conversation.screen = _terminal(setup, conversation)
            _console.err(f"{panel.name} answers; /help lists the commands, Ctrl-D leaves")
        await conversation.run()
    finally:
        await panel.close()
        panel.book.close()
    return FAILED if conversation.failures and not on_terminal else 0


def _terminal(setup: settings.Settings, conversation: Talk) -> Screen:
    from fusion_graph.chat.terminal import TerminalScreen

    def status() -> str:
        session = conversation.session
        cost = "cost unknown" if session.cost_usd is None else f"${session.cost_usd:.4f}"
        return f" {conversation.panel.name}  {several(len(session.turns), 'turn')}  {session.tokens} tokens  {cost} "

    return TerminalScreen(
        history=setup.home / "chat_history",
        words=SLASHES,
        status=status,
        scrub=_console.scrub,
        color=not setup.no_color,
    )


class _Panel:
    """The pipeline that answers, on an engine of its own."""

    def __init__(self, setup: settings.Settings, choice: Choice, book: _Book) -> None:
        self.book = book
        self._setup = setup
        self._choice = choice
        self._prices = engines.prices(choice.prices)
        self._ready: engines.Ready | None = None
        self._fusion: Fusion | None = None

    @property
    def name(self) -> str:
        assert self._ready is not None
        return self._ready.bound.pipeline.name

    @property
    def told(self) -> str:
        assert self._ready is not None
        return self._ready.told

    @property
    def others(self) -> Mapping[str, str]:
        return {name: pipelines.load(path).description for name, path in pipelines.presets().items()}

    async def switch(self, name: str) -> None:
        pipeline = pipelines.load(name)
        params = {} if self._ready else self._choice.params  # they are the first pipeline's
        ready = await engines.prepare(pipeline, pipelines.read_params(pipeline, params), self._setup)
        tools = await toolbox_for(ready.bound, self._setup, self._choice.allowed)
        fusion = engines.open_fusion(ready.selection, self._prices, tools)
        await self.close()
        self._ready, self._fusion = ready, fusion

    async def ask(self, messages: tuple[Message, ...], listener: Listener) -> RunResult:
        assert self._ready is not None
        assert self._fusion is not None
        limits = pipelines.limits_of(self._ready.bound, budget_usd=self._choice.budget_usd)
        request = self.book.begin(self._ready, RunRequest(messages=messages, stream=True, limits=limits))
        result = await self._fusion.run(self._ready.bound, request, listener)
        self.book.conclude(request, result)
        return result

    async def close(self) -> None:
        if self._fusion is not None:
            await self._fusion.aclose()
            self._fusion = None


class _Book:
    """The conversation in the journal, if it is wanted there: a series of runs, one for every answer."""

    def __init__(self, setup: settings.Settings, *, wanted: bool) -> None:
        self._setup = setup
        self._wanted = wanted
        self._series: Series | None = None

    def begin(self, ready: engines.Ready, request: RunRequest) -> RunRequest:
        """The same request, written down from now on."""
        if not self._wanted:
            return request
        if self._series is None:
            title = request.messages[-1].text
            self._series = Series(journal=Journal(self._setup.home), command="chat", title=title)
        series = self._series
        run_id, fence = secrets.token_hex(8), secrets.token_hex(6)
        job = Job(run_id, ready.bound, request.messages, fence, ready.selection.default, command="chat")
        return request._replace(run_id=run_id, fence=fence, memory=series.memory(job))

    def conclude(self, request: RunRequest, result: RunResult) -> None:
        if isinstance(request.memory, RunMemory):
            request.memory.conclude(json.dumps(document(result), allow_nan=False))

    def close(self) -> None:
        if self._series is None:
            return
        journal = self._series.journal
        self._series.end("ok")
        shut(journal, self._setup)
        if journal.off:
            _console.err(f"journal: off ({journal.off}): this conversation was not written down")
