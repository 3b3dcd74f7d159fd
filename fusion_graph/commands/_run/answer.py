"""The answer on stdout, as it is written. A reader who goes away ends the run: nobody pays for text that nobody
gets."""

from __future__ import annotations

from collections.abc import Callable

from fusion_graph.commands import _console
from fusion_graph.engine.report import RunResult
from fusion_graph.events import Event, TextDelta


class AnswerWriter:
    """Listens to a streamed run. `before` is called once, ahead of the first piece; `leave` when the reader is gone."""

    def __init__(self, *, before: Callable[[], None], leave: Callable[[], object]) -> None:
        self.gone: Exception | None = None
        self._before = before
        self._leave = leave
        self._last = ""

    def __call__(self, event: Event) -> None:
        if isinstance(event, TextDelta) and event.choice == 0:
            self.write(event.text)

    def write(self, text: str) -> None:
        """Print a piece. Never raises: it is called from inside the run."""
        if self.gone or not text:
            return
        try:
            if not self._last:
                self._before()
            self._last = text
            _console.out(text, end="")
        except (_console.ReaderGone, OSError) as error:  # nobody reads; or the disk is full
            self.gone = error
            self._leave()

    def finish(self, result: RunResult) -> None:
        """End the line. Of a run that was not streamed, print the whole answer first."""
        if not self._last and result.answer is not None:
            self.write(result.answer.text)
        if self._last and not self._last.endswith("\n"):
            self.write("\n")
