"""What an agent does, as it happens, for people: thought, tool, result in short, tokens and cost so far."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text

from fusion_graph.agent.happenings import (
    Began,
    Ended,
    Gave,
    Happening,
    Kept,
    Planned,
    Shortened,
    Stepped,
    Thought,
    Used,
)
from fusion_graph.engine.toolloop import short

FIRST, LAST = 3, 6  # lines of a result
STYLES = {"+": "green", "-": "red", "@": "cyan", "$": "bold"}


class AgentScreen:
    """`scrub` takes control codes out of what models, files and commands wrote."""

    def __init__(self, console: Console, scrub: Callable[[str], str]) -> None:
        self._console = console
        self._scrub = scrub

    def __call__(self, event: Happening) -> None:
        if isinstance(event, Thought):
            self._console.print(Markdown(self._scrub(event.text)))
        elif isinstance(event, Used):
            self._line(f"{event.tool} {short(event.arguments, 120)}", "cyan")
        elif isinstance(event, Gave):
            self._result(event)
        elif isinstance(event, Stepped):
            cost = "cost unknown" if event.cost_usd is None else f"${event.cost_usd:.4f}"
            self._line(f"step {event.step}: {event.tokens} tokens, {cost}", "dim")
        elif isinstance(event, Shortened):
            self._line(f"the conversation was shortened from {event.before} to {event.after} tokens", "yellow")
        elif isinstance(event, Kept):
            self._line(f"checkpoint {event.commit[:10]}; /undo puts it back", "dim")
        elif isinstance(event, Planned) and event.by == "user":
            self._line("your plan is acted on", "dim")
        elif isinstance(event, Ended):
            self._ended(event)
        elif isinstance(event, Began):
            self._line(f"session {event.session}", "dim")

    def show_change(self, text: str) -> None:
        """A diff with its colours, or a command."""
        for line in self._scrub(text).splitlines():
            self._line(line, STYLES.get(line[:1], ""))

    def _result(self, event: Gave) -> None:
        lines = event.text.splitlines()
        more = len(lines) - FIRST - LAST
        for line in lines if more <= 0 else [*lines[:FIRST], f"[{more} more lines]", *lines[-LAST:]]:
            self._line(f"  {line[:200]}", "dim" if event.ok else "red")

    def _ended(self, event: Ended) -> None:
        if event.state == "finished":
            self._console.print(Markdown(self._scrub(event.text)))
        elif event.state == "answered":
            self._line("answered without `finish`: nothing says how it was verified", "dim")
        else:
            self._line(f"{event.state}: {event.text}", "bold red")

    def _line(self, text: str, style: str) -> None:
        self._console.print(Text(self._scrub(text), style=style))
