"""A conversation from the command line: settings, pipeline and engine put together, on a terminal or in a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from fusion_graph import settings
from fusion_graph.chat.commands import SLASHES, first_line
from fusion_graph.chat.pipe import PipeScreen
from fusion_graph.chat.session import COMMAND, Session, as_markdown, begin, resume
from fusion_graph.chat.talk import Talk
from fusion_graph.commands import _console
from fusion_graph.commands._journal import opened, tell_in_flight
from fusion_graph.engine.record import document
from fusion_graph.engine.request import RunRequest
from fusion_graph.figures import several, spent
from fusion_graph.store.journal import Job
from fusion_graph.store.series import NOUNS
from fusion_graph.wiring import engines, pipelines
from fusion_graph.wiring.tools import Allowed, toolbox_for

if TYPE_CHECKING:
    from fusion_graph.chat.talk import Screen
    from fusion_graph.engine.fusion import Fusion
    from fusion_graph.engine.report import RunResult
    from fusion_graph.events import Listener
    from fusion_graph.messages import Message
    from fusion_graph.pipeline import Pipeline

FAILED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was asked for on the command line."""

    pipeline: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    budget_usd: float | None = None
    journal: bool = False
    resume: str | None = None
    prices: str | None = None
    allowed: Allowed = field(default_factory=Allowed)


async def talk(choice: Choice) -> int:
    """Until the input ends. The exit code: in a pipe 1 if a turn was not answered."""
    setup = settings.load()
    ends = (sys.stdin, sys.stdout)
    on_terminal = all(map(_console.is_terminal, ends)) and not setup.dumb_terminal  # which cannot go back to a line
    async with AsyncExitStack() as stack:
        kept = choice.journal or choice.resume is not None
        journal = stack.enter_context(opened(setup, NOUNS[COMMAND], keep=kept))
        session = resume(journal, choice.resume) if choice.resume else begin(journal)
        panel = _Panel(setup, choice, session)
        stack.push_async_callback(panel.close)
        await panel.begin()
        if choice.resume:
            session.series.begin()
        stack.enter_context(_ending(session, always=on_terminal))
        conversation = Talk(panel, PipeScreen(sys.stdin, _console.out, _console.err), session)
        _console.err(panel.told)
        if on_terminal:
            conversation.screen = _terminal(setup, conversation)
        _greet(conversation, on_terminal=on_terminal)
        await conversation.run()
    return FAILED if conversation.failures and not on_terminal else 0


def _greet(conversation: Talk, *, on_terminal: bool) -> None:
    """Who answers, and where a conversation that goes on was left."""
    session = conversation.session
    if session.series.tries:
        _console.err(f"conversation {session.series.id} goes on after {several(len(session.turns), 'turn')}")
        if on_terminal and session.turns:
            conversation.screen.tell(as_markdown(session.turns[-1:]), markdown=True)
    if session.cut_off:
        _console.err(f"the last question was cut off, /retry goes on with it: {first_line(session.cut_off)}")
    if on_terminal:
        _console.err(f"{conversation.panel.name} answers; /help lists the commands, Ctrl-D leaves")


@contextmanager
def _ending(session: Session, *, always: bool) -> Iterator[None]:
    """Says how to go on with what is there to be gone on with, after an interrupt or `always`."""
    state = "stopped"
    try:
        yield
        state = "ok"
    finally:
        session.series.end(state)
        if session.series.kept and session.series.length and (always or state != "ok"):
            _console.err(f"fusiongraph chat --resume {session.series.id} goes on")


def _terminal(setup: settings.Settings, conversation: Talk) -> Screen:
    from fusion_graph.chat.terminal import TerminalScreen

    def status() -> str:
        session = conversation.session
        turns = several(len(session.turns), "turn")
        return f" {conversation.panel.name}  {turns}  {spent(session.tokens, session.cost_usd)} "

    return TerminalScreen(
        history=setup.home / "chat_history",
        words=SLASHES,
        status=status,
        scrub=_console.scrub,
        color=not setup.no_color,
    )


class _Panel:
    """The pipeline that answers, on an engine of its own."""

    def __init__(self, setup: settings.Settings, choice: Choice, session: Session) -> None:
        self._session = session
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

    async def begin(self) -> None:
        """With the pipeline that was named, else the one that answered last, else the default."""
        before, params = self._session.panel or (pipelines.DEFAULT_PIPELINE, {})
        if self._choice.pipeline is not None:
            before, params = self._choice.pipeline, {}
        pipeline = pipelines.load(before)
        known = {name: value for name, value in params.items() if name in pipeline.params}
        await self._open(pipeline, known | pipelines.read_params(pipeline, self._choice.params))

    async def switch(self, name: str) -> None:
        await self._open(pipelines.load(name), {})

    async def _open(self, pipeline: Pipeline, params: Mapping[str, Any]) -> None:
        ready = await engines.prepare(pipeline, params, self._setup)
        tools = await toolbox_for(ready.bound, self._setup, self._choice.allowed)
        fusion = engines.open_fusion(ready.selection, self._prices, tools)
        await self.close()
        self._ready, self._fusion = ready, fusion
        values = json.dumps(dict(ready.bound.params), default=str)
        self._session.panel = json.loads(ready.bound.pipeline.source), json.loads(values)

    async def ask(self, messages: tuple[Message, ...], listener: Listener, *, run_id: str = "") -> RunResult:
        assert self._ready is not None
        assert self._fusion is not None
        limits = pipelines.limits_of(self._ready.bound, budget_usd=self._choice.budget_usd)
        request = RunRequest(messages=messages, stream=True, limits=limits, run_id=run_id)
        series = self._session.series
        if not series.kept:
            return await self._fusion.run(self._ready.bound, request, listener)
        past, fence = series.past(run_id), series.fence
        if past is not None:
            tell_in_flight(past)
        job = Job(run_id, self._ready.bound, messages, fence, self._ready.selection.default, command=COMMAND)
        memory = series.memory(job, past)
        result = await self._fusion.run(self._ready.bound, replace(request, fence=fence, memory=memory), listener)
        memory.conclude(json.dumps(document(result), allow_nan=False))
        return result

    async def close(self) -> None:
        if self._fusion is not None:
            await self._fusion.aclose()
            self._fusion = None
