"""A conversation on a terminal: a line editor with history, one live line while the panel works, the answer as Markdown
while it is written.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from fusion_graph.chat.blocks import Blocks
from fusion_graph.chat.interrupts import on_interrupt
from fusion_graph.events import Event, Listener, TextDelta
from fusion_graph.figures import count, seconds, several, spent

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

    from fusion_graph.chat.progress import Progress
    from fusion_graph.engine.report import RunResult

PROMPT = "> "
TAIL = 4  # lines of text that has not ended, below what has


class TerminalScreen:
    """`scrub` takes control codes out of what models wrote. `input` and `output` are the terminal's unless a test gives
    others; without `live` there is no line about the run."""

    def __init__(
        self,
        *,
        history: Path | None,
        words: Iterable[str],
        status: Callable[[], str],
        scrub: Callable[[str], str],
        color: bool = True,
        live: bool = True,
        input: Input | None = None,  # noqa: A002  (the name it has there)
        output: Output | None = None,
        console: Console | None = None,
    ) -> None:
        self._scrub = scrub
        self._is_live = live
        self._console = console or Console(color_system="auto" if color else None, highlight=False)
        self._prompt: PromptSession[str] = PromptSession(
            PROMPT,
            history=_history(history),
            multiline=True,
            key_bindings=_keys(),
            prompt_continuation="  ",
            completer=_Slashes(words),
            complete_while_typing=False,
            bottom_toolbar=status,
            input=input,
            output=output,
        )
        self._blocks = Blocks()
        self._live: Live | None = None
        self._progress: Progress | None = None
        self._began = 0.0

    async def read(self) -> str:
        return str(await self._prompt.prompt_async())

    # --- a turn -------------------------------------------------------------------------------------------------------

    def begin(self, progress: Progress) -> Listener:
        self._blocks, self._progress, self._began = Blocks(), progress, time.monotonic()
        if self._is_live:
            self._live = Live(get_renderable=self._picture, console=self._console, refresh_per_second=8, transient=True)
            self._live.start()
        return self._hear

    def _hear(self, event: Event) -> None:
        if isinstance(event, TextDelta) and event.choice == 0:
            for block in self._blocks.add(self._scrub(event.text)):
                self._show(block)

    def _show(self, block: str) -> None:
        self._console.print()  # between the question and the answer, and between blocks
        self._console.print(Markdown(block))

    def _picture(self) -> RenderableType:
        """What has not ended yet, and what the panel does."""
        assert self._progress is not None
        told = [self._progress.line, seconds(time.monotonic() - self._began), f"{count(self._progress.tokens)} tokens"]
        line = Text("  ".join([*told, "Ctrl-C stops"]), style="dim", no_wrap=True, overflow="ellipsis")
        tail = self._blocks.pending.strip("\n").splitlines()[-TAIL:]
        return Group(Text("\n".join(tail)), line) if tail else line

    def end(self, result: RunResult | None) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        if rest := self._blocks.rest():
            self._show(rest)
        if result is not None and result.error is None:
            self._close(result)

    def _close(self, result: RunResult) -> None:
        calls = several(sum(node.attempts for node in result.nodes), "call")
        cost = spent(result.usage.total_tokens, result.cost_usd)
        figures = f"{seconds(result.timing_s['total'])}, {calls}, {cost}"
        told = [f"{result.state} in {figures}" + (", simulated" if result.simulated else "")]
        told += [f"degraded: {entry.node}: {entry.reason}: {entry.action}" for entry in result.degraded]
        self._console.print()
        self._console.print(Text(self._scrub("\n".join(told)), style="dim"))

    # --- words --------------------------------------------------------------------------------------------------------

    def tell(self, text: str, *, markdown: bool = False) -> None:
        text = self._scrub(text)
        self._console.print(Markdown(text) if markdown else Text(text))

    def table(self, rows: Mapping[str, str]) -> None:
        """What is too long for the screen is broken below its own column."""
        table = Table.grid(padding=(0, 2))
        for name, text in rows.items():
            table.add_row(Text(self._scrub(name), no_wrap=True), Text(self._scrub(text)))
        self._console.print(table)

    def fail(self, message: str, hint: str = "") -> None:
        told = Text("error: ", style="bold red")
        told.append(self._scrub(message), style="not bold default")
        if hint:
            gap = "\n  " if "\n" in message else "; "
            told.append(f"{gap}{self._scrub(hint)}", style="not bold default")
        self._console.print(told)

    def interrupted(self, stop: Callable[[], None]) -> Callable[[], None]:
        return on_interrupt(stop)


def _history(path: Path | None) -> History:
    """In a file that only its owner reads; in memory where that cannot be."""
    if path is None:
        return InMemoryHistory()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError:
        return InMemoryHistory()
    return _Careful(path)


class _Careful(FileHistory):
    """A disk that is full must not end a conversation."""

    def store_string(self, string: str) -> None:
        with suppress(OSError):
            super().store_string(string)


def _keys() -> KeyBindings:
    """Enter sends, also one that was typed ahead and arrives as a newline; Alt-Enter begins a new line."""
    keys = KeyBindings()

    @keys.add("enter")
    def send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


class _Slashes(Completer):
    """Commands, by Tab."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = [f"/{word}" for word in words]

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        text = document.text
        if text.startswith("/") and " " not in text:
            yield from (Completion(word, -len(text)) for word in self._words if word.startswith(text))
