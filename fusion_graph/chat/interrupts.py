"""Ctrl-C while something is at work on a terminal: it stops that, and not the program."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable


def on_interrupt(stop: Callable[[], None]) -> Callable[[], None]:
    """Call `stop` on every Ctrl-C from now on. What is returned gives it back to whoever had it."""
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGINT)
    try:
        loop.add_signal_handler(signal.SIGINT, stop)
    except (NotImplementedError, RuntimeError, ValueError):  # another system, or not the main thread
        return lambda: None

    def calm() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)

    return calm
