"""An agent from the command line: settings, brain, tools and screen put together, and the tasks one after the other."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fusion_graph import settings
from fusion_graph.agent import memory
from fusion_graph.agent.checkpoint import Checkpoints
from fusion_graph.agent.happenings import Ended, Happening, Kept, as_json
from fusion_graph.agent.work import Agent, Bounds, exit_code
from fusion_graph.chat.interrupts import on_interrupt
from fusion_graph.commands import _console
from fusion_graph.commands._brains import PipelineBrain, brain_of, council_of
from fusion_graph.commands._journal import opened
from fusion_graph.equipment import Allowed, toolbox
from fusion_graph.errors import FusionError, RunFailed, UsageError
from fusion_graph.tools import TOOLS
from fusion_graph.tools._sandbox import find_sandbox, lacks

if TYPE_CHECKING:
    from fusion_graph.agent.asking import Keyboard
    from fusion_graph.agent.screen import AgentScreen
    from fusion_graph.store.journal import Journal
    from fusion_graph.toolbox import Toolbox

WEB = ("web_search", "web_fetch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was asked for on the command line."""

    task: str | None = None
    root: str = "."
    model: str | None = None
    council: str | None = None
    plan: bool = False
    approve: bool = False
    checkpoint: bool = False
    max_steps: int = 60
    budget_usd: float | None = None
    resume: str | None = None
    journal: bool = True
    web: bool = False
    network: bool = False
    unsafe_bash: bool = False
    as_json: bool = False
    prices: str | None = None


async def code(order: Order) -> int:
    """The exit code of the task, or of the last one."""
    on_terminal = _console.is_terminal(sys.stdin) and _console.is_terminal(sys.stdout)
    if not on_terminal and (order.approve or order.task is None) and not order.resume:
        what = "--approve needs" if order.approve else "without a task it needs"
        raise UsageError(f"{what} a terminal to ask on", hint='fusiongraph code "what to do"')
    if order.resume and not order.journal:
        raise UsageError("--no-journal and --resume exclude each other", hint="give one of them")
    setup = settings.load()
    async with AsyncExitStack() as stack:
        brain = await brain_of(order.model, setup, order.prices)
        stack.push_async_callback(brain.close)
        journal = stack.enter_context(opened(setup, keep=order.journal))
        desk = await _Desk.open(order, setup, brain, journal, on_terminal)
        if desk.council is not None:
            stack.push_async_callback(desk.council.close)
        return await desk.work()


class _Desk:
    """One session at a keyboard, or without one."""

    def __init__(self, order: Order, agent: Agent, keyboard: Keyboard | None, screen: AgentScreen | None) -> None:
        self.order = order
        self.agent = agent
        self.keyboard = keyboard
        self.screen = screen
        self.council: PipelineBrain | None = None
        self.checkpoints: Checkpoints | None = None
        self._state = ""
        self._stops = 0
        self._working: asyncio.Future[Ended] | None = None

    @classmethod
    async def open(
        cls, order: Order, setup: settings.Settings, brain: PipelineBrain, journal: Journal, on_terminal: bool
    ) -> _Desk:
        council = await council_of(order.council, setup, order.prices)
        box = _box(order, setup, council)
        root = box.site.workspace.root
        made = memory.resume(journal, order.resume, str(root)) if order.resume else memory.begin(journal, str(root))
        screen = None if order.as_json else _screen(setup)
        tell: Callable[[Happening], None] = screen or (lambda event: _console.out(json.dumps(as_json(event))))
        keyboard = None
        if on_terminal and not order.as_json:
            from fusion_graph.agent.asking import Terminal

            keyboard = Terminal()
        agent = Agent(
            brain=brain,
            box=box,
            memory=made,
            tell=tell,
            fence=made.series.fence,
            bounds=Bounds(steps=order.max_steps, budget_usd=order.budget_usd),
        )
        desk = cls(order, agent, keyboard, screen)
        desk.council = council
        for thinker in filter(None, (brain, council)):
            thinker.session = made
        if order.checkpoint:
            desk.checkpoints = Checkpoints(root=root, session=made.name)
            await desk.checkpoints.check()
        if order.approve:
            desk._ask_before_changes()
        _console.err(brain.told)
        return desk

    def _ask_before_changes(self) -> None:
        from fusion_graph.agent.asking import Asker

        if self.keyboard is None or self.screen is None:
            raise UsageError("--approve needs a terminal to ask on", hint="leave out --json")
        self.agent.approve = Asker(self.keyboard, self.screen.show_change, self._stop)

    # --- tasks --------------------------------------------------------------------------------------------------------

    async def work(self) -> int:
        series, state = self.agent.memory.series, "interrupted"
        try:
            code = await self._work()
            state = self._state
        finally:
            series.end(state)
            if not series.kept:
                _console.err(f"journal: off{_because(series.journal.off)}: this session cannot be gone on with later")
        return code

    async def _work(self) -> int:
        if self.order.task is not None:
            return await self._task(self.order.task, nudges=1)
        code = 0 if self.agent.memory.ended else await self._task(None, nudges=1)  # the step that was cut off
        if self.keyboard is None:
            return code if self._state else await self._task("Go on with what you were doing.", nudges=1)
        return code if self._stops > 1 else await self._converse(self.keyboard, code)

    async def _converse(self, keyboard: Keyboard, code: int) -> int:
        _console.err("what shall be done? /undo puts back, /exit leaves")
        while True:
            try:
                line = (await keyboard.line("> ", fresh=False)).strip()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return code
            try:
                if line == "/exit":
                    return code
                if line == "/undo":
                    await self._undo()
                elif line.startswith("/") and " " not in line:
                    raise UsageError(f"there is no command {line}", hint="/undo, /exit")
                elif line:
                    code = await self._task(line, nudges=0)
            except FusionError as fault:
                _console.error(fault.message, fault.hint)
            if self._stops > 1:
                return 130

    async def _task(self, task: str | None, *, nudges: int) -> int:
        """One task, stopped by Ctrl-C. A stopped one leaves a session that goes on."""
        if self.checkpoints is not None:
            self.agent.before_change = self._keep
        ended = await self._stoppable(self._do(task, nudges=nudges))
        if ended is None:
            self.agent.memory.mend()
            self._state = "stopped"
            again = f"; --resume {self.agent.memory.name} goes on" if self.agent.memory.series.kept else ""
            _console.err(f"stopped{again}")
            return 130
        self._state = ended.state
        if self.screen is not None and ended.state == "answered" and self.keyboard is None:
            _console.err("it did not say that the task is done")
        return exit_code(ended.state)

    async def _do(self, task: str | None, *, nudges: int) -> Ended:
        if not (self.agent.memory.planning if task is None else self.order.plan):
            return await self.agent.work(task, nudges=nudges)
        try:
            plan = await self.agent.plan(task)
        except RunFailed as lost:
            ended = Ended("failed", lost.message)
            self.agent.tell(ended)
            return ended
        if self.keyboard is None:
            return await self.agent.act(nudges=nudges)
        from fusion_graph.agent.asking import settle_plan

        settled = await settle_plan(self.keyboard, plan)
        if settled is None:
            return Ended("answered", "the plan was refused")
        return await self.agent.act(settled, nudges=nudges)

    async def _stoppable(self, work: Awaitable[Ended]) -> Ended | None:
        """None when Ctrl-C stopped it."""
        self._stops = 0
        task = asyncio.ensure_future(work)
        calm = self._on_interrupt(task) if self.keyboard is not None else lambda: None
        try:
            return await task
        except asyncio.CancelledError:
            if not self._stops:
                raise
            return None
        finally:
            calm()

    def _on_interrupt(self, task: asyncio.Future[Ended]) -> Callable[[], None]:
        self._working = task
        return on_interrupt(self._stop)

    def _stop(self) -> None:
        self._stops += 1
        if self._working is not None:
            self._working.cancel()

    # --- checkpoints --------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        assert self.checkpoints is not None
        self.agent.tell(Kept(await self.checkpoints.keep()))

    async def _undo(self) -> None:
        if self.checkpoints is None:
            raise UsageError("there are no checkpoints", hint="start with --checkpoint")
        changed = await self.checkpoints.put_back()
        _console.err(f"put back: {', '.join(changed)}" if changed else "nothing has changed since")


def _because(why: str) -> str:
    return f" ({why})" if why else ""


def _box(order: Order, setup: settings.Settings, council: PipelineBrain | None) -> Toolbox:
    """What it may use: the folder; bash where something confines it; the web and a council where they are wanted."""
    names = [name for name, tool in TOOLS.items() if tool.local and name != "bash"] + ["finish"]
    if order.unsafe_bash or find_sandbox() is not None:
        names.append("bash")
    else:
        _console.err(f"warning: it cannot run commands: {lacks()}; --unsafe-bash lets it, unconfined")
    names += ["council"] if council is not None else []
    allowed = Allowed(names=tuple(names), root=order.root, unsafe_bash=order.unsafe_bash, network=order.network)
    convene = council.convene if council is not None else None
    box = toolbox(setup, allowed, convene=convene)
    kept: dict[str, Any] = {name: tool for name, tool in box.tools.items() if order.web or name not in WEB}
    return replace(box, tools=kept)


def _screen(setup: settings.Settings) -> AgentScreen:
    from rich.console import Console

    from fusion_graph.agent.screen import AgentScreen

    console = Console(color_system=None if setup.no_color else "auto", highlight=False)
    return AgentScreen(console, _console.scrub)
