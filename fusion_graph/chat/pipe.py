"""A conversation without a terminal: a question a line on standard input, answers on standard output and nothing else
there. A line that ends in a backslash goes on with the next one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import TextIO

from fusion_graph.chat.progress import Progress
from fusion_graph.engine.report import RunResult
from fusion_graph.errors import UsageError
from fusion_graph.events import Event, Listener, TextDelta

LONGEST = 10_000_000
HALF = re.compile("[\ud800-\udfff]")  # what Python makes of bytes that are no text


class PipeScreen:
    """`out(text, end)` and `err` print; `out` may raise when nobody reads any more."""

    def __init__(self, source: TextIO, out: Callable[[str, str], None], err: Callable[[str], None]) -> None:
        self._source = source
        self._out = out
        self._err = err
        self._last = ""
        self._gone: Exception | None = None

    async def read(self) -> str:
        lines: list[str] = []
        while True:
            line = await asyncio.to_thread(self._source.readline, LONGEST)
            if not line and not lines:
                raise EOFError
            if len(line) >= LONGEST:
                raise UsageError(f"a line is longer than {LONGEST // 1_000_000} MB")
            if not line.isascii() and HALF.search(line):
                raise UsageError("a line is not UTF-8 text", hint="is it a binary file?")
            text = line.rstrip("\n")
            if not text.endswith("\\") or not line.endswith("\n"):
                return "\n".join([*lines, text])
            lines.append(text[:-1])

    def begin(self, progress: Progress) -> Listener:  # noqa: ARG002  (nobody watches a pipe)
        self._last = ""
        return self._hear

    def _hear(self, event: Event) -> None:
        if isinstance(event, TextDelta) and event.choice == 0 and event.text and not self._gone:
            try:
                self._out(event.text, "")
                self._last = event.text
            except Exception as gone:  # noqa: BLE001  (told at the end: a listener must not raise)
                self._gone = gone

    def end(self, result: RunResult | None) -> None:
        if self._gone:
            raise self._gone
        if self._last and not self._last.endswith("\n"):
            self._out("", "\n")
        for entry in result.degraded if result is not None and result.error is None else ():
            self._err(f"degraded: {entry.node}: {entry.reason}: {entry.action}")

    def tell(self, text: str, *, markdown: bool = False) -> None:  # noqa: ARG002  (it is Markdown all the same)
        self._out(text, "\n")

    def table(self, rows: Mapping[str, str]) -> None:
        width = max(map(len, rows), default=0)
        self.tell("\n".join(f"{name:<{width}}  {text}" for name, text in rows.items()))

    def fail(self, message: str, hint: str = "") -> None:
        gap = "\n  " if "\n" in message else "; "
        self._err(f"error: {message}" + (f"{gap}{hint}" if hint else ""))

    def interrupted(self, stop: Callable[[], None]) -> Callable[[], None]:  # noqa: ARG002
        """Ctrl-C ends the program, as it does every program in a pipe."""
        return lambda: None
