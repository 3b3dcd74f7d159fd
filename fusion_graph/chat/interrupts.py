"""Ctrl-C while something is at work on a terminal: it stops that, and not the program. What is typed meanwhile is kept
and not echoed: it would stand in the middle of what is shown.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import termios
from collections.abc import Callable
from contextlib import suppress

NO_TERMINAL = (termios.error, OSError, ValueError, AttributeError)


def on_interrupt(stop: Callable[[], None]) -> Callable[[], None]:
    """Call `stop` on every Ctrl-C from now on. What is returned gives it back to whoever had it."""
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGINT)
    try:
        loop.add_signal_handler(signal.SIGINT, stop)
    except (NotImplementedError, RuntimeError, ValueError):  # another system, or not the main thread
        return lambda: None
    echo = _silence()

    def calm() -> None:
        echo()
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)

    return calm


def _silence() -> Callable[[], None]:
    """No echo from now on; what is returned brings it back."""
    try:
        keys = sys.stdin.fileno()
        before = termios.tcgetattr(keys)
        silent = termios.tcgetattr(keys)
        silent[3] &= ~termios.ECHO
        termios.tcsetattr(keys, termios.TCSANOW, silent)
    except NO_TERMINAL:
        return lambda: None

    def echo() -> None:
        with suppress(*NO_TERMINAL):
            termios.tcsetattr(keys, termios.TCSANOW, before)

    return echo
