"""One session of an agent, at a keyboard or without one: its tasks one after the other, Ctrl-C, `/undo`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

from fusion_graph.agent.happenings import Ended, Kept
from fusion_graph.agent.work import Agent, exit_code
from fusion_graph.chat.interrupts import on_interrupt
from fusion_graph.commands import _console
from fusion_graph.errors import FusionError, RunFailed, UsageError

if TYPE_CHECKING:
    from fusion_graph.agent.asking import Keyboard
    from fusion_graph.agent.checkpoint import Checkpoints
    from fusion_graph.agent.screen import AgentScreen

COMMANDS = "/undo puts back what the last task changed, /exit leaves; Ctrl-C stops a step"
GO_ON = "Go on with what you were doing."


class Desk:
    """`keeps`: a checkpoint is made ahead of each task's first change."""

    def __init__(
        self, agent: Agent, checkpoints: Checkpoints | None, *, keeps: bool, screen: AgentScreen | None
    ) -> None:
        self.agent = agent
        self._checkpoints = checkpoints
        self._keeps = keeps
        self._screen = screen
        self._keyboard: Keyboard | None = None
        self._state = ""  # how the last task ended
        self._stops = 0
        self._working: asyncio.Future[Ended] | None = None

    def sit_down(self, *, asks: bool) -> None:
        """There is a terminal: somebody can be asked."""
        from fusion_graph.agent.asking import Asker, Terminal

        self._keyboard = Terminal(self._screen.alone if self._screen is not None else nullcontext)
        if asks:
            self.agent.approve = Asker(self._keyboard, self._stop)

    # --- tasks --------------------------------------------------------------------------------------------------------

    async def work(self, task: str | None, *, plan: bool) -> int:
        """The exit code of the task, or of the last one that was asked for."""
        series, state = self.agent.memory.series, "interrupted"
        try:
            code = await self._work(task, plan=plan)
            state = self._state or "ok"
        except asyncio.CancelledError:  # Ctrl-C where nobody sits
            self._tell_again()
            raise
        finally:
            series.end(state)
        return code

    async def _work(self, task: str | None, *, plan: bool) -> int:
        """Without a task the step that was cut off goes on first."""
        code, cut_off = 0, task is None and not self.agent.memory.ended
        if task is not None or cut_off:
            code = await self._task(task, plan=plan, alone=self._keyboard is None or not cut_off)
        elif self._keyboard is None:
            code = await self._task(GO_ON, plan=plan, alone=True)
        if task is not None or self._keyboard is None or self._stops > 1:
            return code
        code = await self._converse(self._keyboard, code, plan=plan)
        if code == 130:
            self._tell_again()
        return code

    def _tell_again(self) -> None:
        """How to go on with what was stopped."""
        if self.agent.memory.series.kept and self.agent.memory.series.length:
            _console.err(f"\nfusiongraph code --resume {self.agent.memory.name} goes on")

    async def _converse(self, keyboard: Keyboard, code: int, *, plan: bool) -> int:
        _console.err(f"what shall be done? {COMMANDS}")
        leaving = False
        while True:
            try:
                line = (await keyboard.line("> ", fresh=False)).strip()
            except KeyboardInterrupt:
                if leaving:
                    return 130
                leaving = True
                _console.err("Ctrl-C once more leaves")
                continue
            except EOFError:
                return code
            self._stops = 0
            if line == "/exit":
                return code
            try:
                code = await self._obey(line, code, plan=plan)
            except FusionError as fault:
                _console.error(fault.message, fault.hint)
            if self._stops > 1:
                return 130
            leaving = self._stops > 0  # the second one may come when the step has ended

    async def _obey(self, line: str, code: int, *, plan: bool) -> int:
        if line == "/help":
            _console.err(COMMANDS)
        elif line == "/undo":
            await self._undo()
        elif line.startswith("/") and " " not in line and "/" not in line[1:]:
            raise UsageError(f"there is no command {line}", hint="/undo, /help, /exit")
        elif line:
            return await self._task(line, plan=plan, alone=False)
        return code

    async def _task(self, task: str | None, *, plan: bool, alone: bool) -> int:
        """One task, or what was cut off; stopped by Ctrl-C. A stopped one leaves a session that goes on. `alone`: no
        other follows."""
        if self._keeps:
            self.agent.before_change = self._keep
        ended = await self._stoppable(self._do(task, plan=plan, nudges=1 if alone else 0))
        self._state = "stopped" if ended is None else ended.state
        if ended is None:
            self.agent.memory.mend()
        if alone:
            self._close(ended)
        elif ended is None:
            _console.err("\nstopped; say how to go on, or Ctrl-C once more leaves")
        return 130 if ended is None else exit_code(ended.state)

    def _close(self, ended: Ended | None) -> None:
        """What can be done after it."""
        again = f"fusiongraph code --resume {self.agent.memory.name}"
        if not self.agent.memory.series.kept:
            if ended is None:
                _console.err("\nstopped")
            return
        if ended is None:
            _console.err(f"\nstopped; {again} goes on")
        elif ended.state in ("steps", "budget", "failed"):
            _console.err(f"{again} goes on")
        if self._keeps and self._checkpoints is not None and self._checkpoints.kept and self._screen is not None:
            _console.err(f"{again} and /undo put back what was changed")

    async def _do(self, task: str | None, *, plan: bool, nudges: int) -> Ended:
        if not (self.agent.memory.planning if task is None else plan):
            return await self.agent.work(task, nudges=nudges)
        try:
            made = await self.agent.plan(task)
        except RunFailed as lost:
            ended = Ended("budget" if lost.reason == "budget" else "failed", lost.message)
            self.agent.tell(ended)
            return ended
        if self._keyboard is None:
            return await self.agent.act(nudges=nudges)
        from fusion_graph.agent.asking import settle_plan

        settled = await settle_plan(self._keyboard, made)
        if settled is None:
            _console.err("the plan was refused; nothing was changed")
            return Ended("answered", "the plan was refused")
        return await self.agent.act(settled, nudges=nudges)

    async def _stoppable(self, work: Awaitable[Ended]) -> Ended | None:
        """None when Ctrl-C stopped it."""
        self._stops = 0
        task = asyncio.ensure_future(work)
        calm = self._on_interrupt(task) if self._keyboard is not None else lambda: None
        try:
            with self._screen.working() if self._screen is not None else nullcontext():
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
        assert self._checkpoints is not None
        self.agent.tell(Kept(await self._checkpoints.keep()))

    async def _undo(self) -> None:
        if self._checkpoints is None:
            raise UsageError("there are no checkpoints", hint="start with --checkpoint")
        changed = await self._checkpoints.put_back()
        _console.err(f"put back: {', '.join(changed)}" if changed else "nothing has changed since")
