"""Ctrl-C and SIGTERM, from the first line of `main` to the last. While nothing runs they end the process at once; while
a run is in flight they cancel it, so that its connections close and its child processes end.

A second signal, or a second's wait, ends the process whatever it is doing: a thread that resolves a name, say, cannot
be cancelled.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

EXIT_CODE = 130
PATIENCE_S = 0.8  # for closing what is open; the user gets the prompt back within a second
SHOW_CURSOR = "\x1b[?25h"

_cancel: list[Callable[[], None]] = []  # what to do first; empty = nothing is in flight


@contextmanager
def watched() -> Iterator[None]:
    """Own both signals while the block runs; outside the main thread they stay with whoever has them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end. Raises KeyboardInterrupt after a signal has cancelled it and it has cleaned up."""
    import asyncio

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        task = loop.create_task(work)
        cancelled: list[bool] = []

        def cancel() -> None:
            cancelled.append(True)
            loop.call_soon_threadsafe(task.cancel)

        _cancel.append(cancel)
        try:
            return loop.run_until_complete(task)
        except asyncio.CancelledError:
            if cancelled:
                raise KeyboardInterrupt from None
            raise
        finally:
            _cancel.clear()


def _on_signal(_number: int, _frame: FrameType | None) -> None:
    if not _cancel:
        _leave()
    _cancel.pop()()
    last_word = threading.Timer(PATIENCE_S, _leave)
    last_word.daemon = True
    last_word.start()


def _leave() -> None:
    """End at once, without cleaning up, but with a usable terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        os.write(2, SHOW_CURSOR.encode())
    os.write(2, b"\ninterrupted\n")
    os._exit(EXIT_CODE)
