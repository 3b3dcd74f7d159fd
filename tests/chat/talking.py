"""A panel of scripted models and a screen that remembers, for tests of conversations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from fusion_graph.chat.progress import Progress
from fusion_graph.chat.talk import Talk
from fusion_graph.engine.report import RunResult
from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import UsageError
from fusion_graph.events import Event, Listener, TextDelta
from fusion_graph.graph.bound import Bound
from fusion_graph.messages import Message
from fusion_graph.providers.sim import Script
from tests.engine.stage import Stage
from tests.graph.walk import bound_of

NODES = """
panel: {kind: layer, models: [a/x, b/y]}
verdict: {kind: judge, model: j/j, inputs: [panel]}
answer: {kind: synth, model: s/w, inputs: [panel, verdict?]}
"""


class ScriptedPanel:
    """`names` are the pipelines it can switch to."""

    def __init__(self, script: Script, nodes: str = NODES, names: Mapping[str, str] | None = None) -> None:
        self.stage = Stage(script)
        self.name = "small"
        self.others = names or {"small": "two and a judge", "large": "many"}
        self._bound: Bound = bound_of(nodes, output="answer")

    async def ask(self, messages: tuple[Message, ...], listener: Listener, *, run_id: str = "") -> RunResult:
        request = RunRequest(messages=messages, stream=True, run_id=run_id)
        return await self.stage.fusion.run(self._bound, request, listener)

    async def switch(self, name: str) -> None:
        if name not in self.others:
            raise UsageError(f"there is no preset {name!r}", hint="presets: small, large")
        self.name = name


class Remembered:
    """A screen whose lines are given, and which keeps all it was shown. A line may be an exception to raise."""

    def __init__(self, *lines: str | BaseException) -> None:
        self._lines = list(lines)
        self.told: list[str] = []
        self.stop: Callable[[], None] | None = None
        self.waiting = asyncio.Event()

    async def read(self) -> str:
        if not self._lines:
            raise EOFError
        line = self._lines.pop(0)
        if isinstance(line, BaseException):
            raise line
        return line

    def begin(self, progress: Progress) -> Listener:
        self.told.append("begin")
        self.progress = progress
        return self._hear

    def _hear(self, event: Event) -> None:
        if isinstance(event, TextDelta):
            self.told.append(event.text)

    def end(self, result: RunResult | None) -> None:
        self.told.append("end" if result is not None else "cut")

    def tell(self, text: str, *, markdown: bool = False) -> None:
        self.told.append(text)

    def table(self, rows: Mapping[str, str]) -> None:
        self.told.append("\n".join(f"{name}  {text}" for name, text in rows.items()))

    def fail(self, message: str, hint: str = "") -> None:
        self.told.append(f"error: {message}; {hint}")

    def interrupted(self, stop: Callable[[], None]) -> Callable[[], None]:
        self.stop = stop
        self.waiting.set()
        return self.waiting.clear

    @property
    def text(self) -> str:
        return "\n".join(self.told)


async def talked(script: Script, *lines: str | BaseException, nodes: str = NODES) -> tuple[Talk, Remembered]:
    """A whole conversation."""
    screen = Remembered(*lines)
    talk = Talk(ScriptedPanel(script, nodes), screen)
    await talk.run()
    return talk, screen
