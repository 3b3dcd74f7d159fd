"""What the user is asked: whether a call may be made, whether a plan is acted on, and what to do next. Answers come
from the keyboard alone: nothing that a model, a file or a page says can give one.
"""

from __future__ import annotations

import asyncio
import sys
import termios
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.application.current import get_app_session
from prompt_toolkit.input.typeahead import clear_typeahead
from prompt_toolkit.patch_stdout import patch_stdout

from fusion_graph.contracts import Tool

YES, NO, ALWAYS = ("y", "yes"), ("n", "no"), ("a", "always")
REFUSED = "the user refused this call"


class Keyboard(Protocol):
    """`line` asks for one line, `text` lets a longer text be changed. Both raise EOFError and KeyboardInterrupt. A
    `fresh` answer was typed after the question: what was typed ahead of it was not meant for it."""

    async def line(self, question: str, *, fresh: bool = True) -> str: ...

    async def text(self, question: str, given: str) -> str: ...


class Terminal:
    """The keyboard of a terminal. `alone` keeps everything else off the screen while somebody types."""

    def __init__(self, alone: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._alone = alone
        self._line: PromptSession[str] = PromptSession()
        self._text: PromptSession[str] = PromptSession(multiline=True)

    async def line(self, question: str, *, fresh: bool = True) -> str:
        if fresh:
            _forget_typed()
        with self._alone(), patch_stdout():
            return str(await self._line.prompt_async(question))

    async def text(self, question: str, given: str) -> str:
        with self._alone(), patch_stdout():
            return str(await self._text.prompt_async(question, default=given))


def _forget_typed() -> None:
    """Drop what the terminal and the line editor have kept of earlier keys."""
    with suppress(termios.error, OSError, ValueError):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    clear_typeahead(get_app_session().input)


class Asker:
    """Approves calls: yes, no with a reason, or always for a tool. Ctrl-C calls `stop`, which cancels whoever asked."""

    def __init__(self, keyboard: Keyboard, stop: Callable[[], None] = lambda: None) -> None:
        self._keyboard = keyboard
        self._stop = stop
        self._always: set[str] = set()

    async def __call__(self, tool: Tool, _change: str) -> str:
        """The change stands on the screen already."""
        if tool.name in self._always:
            return ""
        ask = f"{tool.name}? yes, no, always for {tool.name}: "
        while True:
            try:
                said = (await self._keyboard.line(ask)).strip()
            except KeyboardInterrupt:
                self._stop()
                await asyncio.sleep(0)  # where the cancellation arrives
                return REFUSED
            except EOFError:
                return REFUSED
            word = said.lower()
            if word in ALWAYS:
                self._always.add(tool.name)
            if word in (*YES, *ALWAYS):
                return ""
            if word in NO or (said and word.split()[0].rstrip(",:") in NO):
                why = said[len(word.split()[0]) :].strip(" ,:")
                return f"{REFUSED}: {why}" if why else REFUSED
            ask = "please say yes, no (a reason may follow) or always: "


async def settle_plan(keyboard: Keyboard, plan: str) -> str | None:
    """What to act on: nothing but the plan (empty), another text, or None to drop it, as one that was emptied is."""
    ask = "act on this plan? yes, no, edit: "
    while True:
        try:
            word = (await keyboard.line(ask)).strip().lower()
            if word in YES:
                return ""
            if word in NO:
                return None
            if word in ("e", "edit"):
                changed = (await keyboard.text("change it; Alt-Enter takes it, Ctrl-C drops it\n", plan)).strip()
                return "" if changed == plan.strip() else changed or None
            ask = "please say yes, no or edit: "
        except (EOFError, KeyboardInterrupt):
            return None
