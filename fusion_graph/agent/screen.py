"""What an agent does, as it happens, for people: thought, tool, result in short, tokens and cost so far; on a terminal
with one live line below, that says what it is doing just now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.padding import Padding
from rich.text import Text

from fusion_graph.agent.captions import caption
from fusion_graph.agent.happenings import (
    Began,
    Changing,
    Ended,
    Gave,
    Happening,
    Kept,
    Planned,
    PutOff,
    Shortened,
    Stepped,
    Thought,
    Used,
)
from fusion_graph.figures import spent

SHOWN = (3, 6)  # lines of a result: of its beginning and of its end
FEWER = {"read_file": (1, 0), "list_files": (4, 0), "search_files": (4, 0)}
CHANGE = 16  # lines of a change that nobody is asked about
SPARED = 2  # so few are not worth a line that says that they are left out
STYLES = {"+": "green", "-": "red", "@": "cyan", "$": "bold"}
THINKING, END = "thinking", "finish"


class AgentScreen:
    """`scrub` takes control codes out of what models, files and commands wrote. `asks`: changes are shown whole, as
    somebody is asked about them. `live`: there is a line about what goes on, and `doing` has more to say of it."""

    def __init__(
        self,
        console: Console,
        scrub: Callable[[str], str],
        *,
        asks: bool = False,
        live: bool = False,
        doing: Callable[[], str] = lambda: "",
    ) -> None:
        self._console = console
        self._scrub = scrub
        self._asks = asks
        self._is_live = live
        self._doing = doing
        self._live: Live | None = None
        self._now, self._since = THINKING, 0.0
        self._sums = ""
        self._captions: dict[str, str] = {}  # of the calls that have no result yet
        self._caption, self._above = "", ""  # the last one, and whose it is
        self._is_new = False  # a step has begun, and nothing of it is shown yet

    def __call__(self, event: Happening) -> None:
        if isinstance(event, Stepped):
            self._sums = spent(event.tokens, event.cost_usd)
            self._line(f"step {event.step}: {self._sums}", "dim")
            self._is_new = True
            self._turn(THINKING)
            return
        silent = isinstance(event, Used) and event.tool == END
        if self._is_new and isinstance(event, Thought | Used | Ended) and not silent:
            self._console.print()
            self._is_new = False
        if isinstance(event, Thought):
            self._markdown(event.text)
        elif isinstance(event, Used):
            self._used(event)
        elif isinstance(event, Changing):
            self._changing(event)
        elif isinstance(event, Gave):
            self._result(event)
        else:
            self._say(event)

    def _say(self, event: Happening) -> None:
        if isinstance(event, Shortened):
            self._line(f"the conversation was shortened from {event.before} to {event.after} tokens", "yellow")
        elif isinstance(event, PutOff):
            most = spent(event.tokens, event.cost_usd)
            self._line(f"what was cut off before is put off; it took {most} at most, which counts", "yellow")
        elif isinstance(event, Kept):
            self._line(f"  checkpoint {event.commit[:10]}; /undo puts it back", "dim")
        elif isinstance(event, Planned) and event.by == "user":
            self._line("your plan is acted on", "dim")
        elif isinstance(event, Ended):
            self._ended(event)
        elif isinstance(event, Began):
            self._line(f"session {event.session}", "dim")
            self._is_new = True

    # --- a step -------------------------------------------------------------------------------------------------------

    def _used(self, event: Used) -> None:
        self._caption, self._above = caption(event.tool, event.arguments), event.call
        self._captions[event.call] = self._caption
        self._turn(self._caption)
        if event.tool != END:  # what it says is told when the task has ended
            self._line(self._caption, "bold" if event.tool == "bash" else "cyan")

    def _changing(self, event: Changing) -> None:
        """A diff with its colours, a command that is longer than its line, or arguments."""
        if event.text.strip() == self._caption:
            return
        lines = event.text.splitlines()
        if event.tool != "bash" and event.text.startswith("--- "):
            lines = lines[2:]  # which file it is has been said
        more = 0 if self._asks or len(lines) <= CHANGE + SPARED else len(lines) - CHANGE
        for line in lines[:CHANGE] if more else lines:
            self._line(f"  {line}", STYLES.get(line[:1], ""))
        if more:
            self._line(f"  [{more} more lines]", "dim")

    def _result(self, event: Gave) -> None:
        self._turn(THINKING)
        if event.tool == END and event.ok:
            return
        told_of = self._captions.pop(event.call, "")
        if event.call != self._above and told_of:  # others were under way, and stand between
            self._line(told_of, "cyan")
            self._above = event.call
        first, last = FEWER.get(event.tool, SHOWN) if event.ok else SHOWN
        lines = event.text.splitlines()
        more = len(lines) - first - last
        told = lines if more <= SPARED else [*lines[:first], f"[{more} more lines]", *lines[len(lines) - last :]]
        for line in told:
            self._line(f"  {line[:200]}", "dim" if event.ok else "red")

    def _ended(self, event: Ended) -> None:
        if event.state == "finished":
            self._markdown(event.text)
        elif event.state == "answered":
            self._line("answered without `finish`: nothing says how it was verified", "dim")
        else:
            self._line(f"{event.state}: {event.text}", "bold red")

    # --- words --------------------------------------------------------------------------------------------------------

    def _markdown(self, text: str) -> None:
        text = self._scrub(text)
        if self._console.is_terminal:
            self._console.print(Markdown(text))
        else:
            self._console.print(Text(text), soft_wrap=True)

    def _line(self, text: str, style: str) -> None:
        """What stands further in stays so where it is broken."""
        text = self._scrub(text).rstrip()
        if not self._console.is_terminal:
            self._console.print(Text(text), soft_wrap=True)
        elif text.startswith("  "):
            self._console.print(Padding(Text(text[2:], style=style), (0, 0, 0, 2), expand=False))
        else:
            self._console.print(Text(text, style=style))

    # --- the live line ------------------------------------------------------------------------------------------------

    @contextmanager
    def working(self) -> Iterator[None]:
        """While it works."""
        self._turn(THINKING)
        self._start()
        try:
            yield
        finally:
            self._stop()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While somebody types: no live line."""
        was_live = self._live is not None
        self._stop()
        try:
            yield
        finally:
            if was_live:
                self._start()

    def _start(self) -> None:
        if self._is_live and self._live is None:
            self._live = Live(get_renderable=self._picture, console=self._console, refresh_per_second=8, transient=True)
            self._live.start()

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _turn(self, now: str) -> None:
        self._now, self._since = now, time.monotonic()

    def _picture(self) -> RenderableType:
        doing = f" ({told})" if (told := self._doing()) else ""
        parts = [f"{self._now}{doing}", f"{time.monotonic() - self._since:.0f} s", self._sums, "Ctrl-C stops"]
        return Text(self._scrub("  ".join(filter(None, parts))), style="dim", no_wrap=True, overflow="ellipsis")
