"""The loop: read a line, do what it says, show what came of it. Knows neither a terminal nor settings: both are handed
in. Nothing that goes wrong in a turn ends it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

from fusion_graph.chat.progress import Progress
from fusion_graph.chat.session import Session, begin
from fusion_graph.engine.report import RunResult
from fusion_graph.errors import FusionError
from fusion_graph.events import Event, Listener
from fusion_graph.messages import Message
from fusion_graph.store.journal import Journal


class Leave(Exception):
    """The user wants to go."""


class Panel(Protocol):
    """The pipeline that answers."""

    @property
    def name(self) -> str: ...

    async def ask(self, messages: tuple[Message, ...], listener: Listener, *, run_id: str = "") -> RunResult:
        """A run of this id that was cut off goes on."""

    async def switch(self, name: str) -> None:
        """Answer with another pipeline from now on. Raises FusionError and stays as it is."""

    @property
    def others(self) -> Mapping[str, str]:
        """Pipelines by name, with a line about each."""


class Screen(Protocol):
    """Where it is shown. `read` raises EOFError at the end and KeyboardInterrupt when a line is thrown away."""

    async def read(self) -> str: ...

    def begin(self, progress: Progress) -> Listener: ...

    def end(self, result: RunResult | None) -> None: ...

    def tell(self, text: str, *, markdown: bool = False) -> None: ...

    def table(self, rows: Mapping[str, str]) -> None:
        """Names with a line about each."""

    def fail(self, message: str, hint: str = "") -> None: ...

    def interrupted(self, stop: Callable[[], None]) -> Callable[[], None]:
        """Call `stop` on Ctrl-C from now on; what is returned ends that."""


class Talk:
    """`failures` counts the turns that were not answered."""

    def __init__(self, panel: Panel, screen: Screen, session: Session | None = None) -> None:
        self.panel = panel
        self.screen = screen
        self.session = session or begin(Journal(None))
        self.failures = 0
        self._stops = 0

    async def run(self) -> None:
        """Until the input ends or somebody leaves."""
        from fusion_graph.chat.commands import obey

        leaving = False
        while True:
            try:
                line = (await self.screen.read()).strip()
            except KeyboardInterrupt:
                if leaving:
                    return
                leaving = True
                self.screen.tell("Ctrl-C once more leaves")
                continue
            except EOFError:
                return
            self._stops = 0
            try:
                if line.startswith("/") and not line.startswith("//"):
                    await obey(self, line)
                elif line:
                    await self.ask(line.removeprefix("/") if line.startswith("//") else line)
            except Leave:
                return
            except FusionError as fault:
                self.screen.fail(fault.message, fault.hint)
            leaving = self._stops > 0  # the second one may come when the answer has ended

    async def ask(self, question: str, *, again: bool = False) -> None:
        """One turn; `again`: in the place of the last one. What is not answered leaves everything as it was. Raises
        Leave when the user presses Ctrl-C twice."""
        progress, self._stops = Progress(), 0
        run_id = self.session.ask(question, again=again)
        listen = self.screen.begin(progress)

        def hear(event: Event) -> None:
            progress(event)
            listen(event)

        work = asyncio.ensure_future(self.panel.ask(self.session.messages, hear, run_id=run_id))
        calm = self.screen.interrupted(lambda: self._stop(work))
        result: RunResult | None = None
        try:
            result = await work
        except asyncio.CancelledError:
            if not self._stops:
                raise
        except FusionError:  # refused before it began
            self.failures += 1
            self.session.drop()
            raise
        finally:
            calm()
            self.screen.end(result)
        self._conclude(result, progress)
        await self.session.series.flush()

    def _stop(self, work: asyncio.Future[RunResult]) -> None:
        self._stops += 1
        work.cancel()

    def _conclude(self, result: RunResult | None, progress: Progress) -> None:
        if result is None:
            self.session.stop(progress.cost_usd, progress.tokens)
            self.screen.tell("stopped; the conversation is as it was before; Ctrl-C once more leaves")
            if self._stops > 1:
                raise Leave
            return
        self.session.conclude(result)
        if result.error is not None:
            self.failures += 1
            self.screen.fail(result.error.message, "the conversation is as it was before; /retry asks again")
