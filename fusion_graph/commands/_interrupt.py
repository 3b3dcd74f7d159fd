"""Ctrl-C and SIGTERM, from the first line of `main` to the last. While nothing runs they end the process at once; while
a run is in flight they cancel it, so that its connections close and its child processes end.

A second signal, or a second's wait, ends the process whatever it is doing: a thread that resolves a name, say, cannot
be cancelled.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from fusion_graph.commands import INTERRUPTED, TERMINATED

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

T = TypeVar("T")

PATIENCE_S = 0.4  # for closing what is open; the user gets the prompt back within a second


class Terminated(KeyboardInterrupt):
    """SIGTERM has cancelled the run: somebody ended the program, and nobody pressed Ctrl-C."""


_cancel: list[Callable[[int], None]] = []  # what to do first; empty = nothing is in flight
_terminal: list[Callable[[], None]] = []  # puts it right


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


def run(work: Coroutine[Any, Any, T], loop_factory: Callable[[], AbstractEventLoop] | None = None) -> T:
    """Run a coroutine to its end, in a loop of this sort. Raises KeyboardInterrupt or Terminated after a signal has
    cancelled it and it has cleaned up."""
    import asyncio

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        loop = runner.get_loop()
        task = loop.create_task(work)
        cancelled: list[int] = []

        def cancel(number: int) -> None:
            cancelled.append(number)
            loop.call_soon_threadsafe(task.cancel)

        _cancel.append(cancel)
        _terminal[:] = [_as_it_is()]
        try:
            return loop.run_until_complete(task)
        except asyncio.CancelledError as told:
            if cancelled:
                raise (Terminated if cancelled == [signal.SIGTERM] else KeyboardInterrupt)(*told.args) from None
            raise
        finally:
            _cancel.clear()


def _as_it_is() -> Callable[[], None]:
    """Brings the terminal's echo and cursor back to what they are now."""
    try:
        import termios
    except ImportError:
        return lambda: None
    try:
        modes = termios.tcgetattr(0)
    except (termios.error, OSError):  # no terminal
        return lambda: None

    def restore() -> None:
        with suppress(termios.error, OSError):
            termios.tcsetattr(0, termios.TCSANOW, modes)
            os.write(0, b"\x1b[?25h")

    return restore


def _on_signal(number: int, _frame: FrameType | None) -> None:
    if not _cancel:
        _leave(number)
    _cancel.pop()(number)
    last_word = threading.Timer(PATIENCE_S, _leave, [number])
    last_word.daemon = True
    last_word.start()


def _leave(number: int) -> None:
    """End at once, without cleaning up: the system closes the sockets, and a child process ends with its parent. Only
    the terminal is put right, which outlives us."""
    for restore in _terminal:
        restore()
    terminated = number == signal.SIGTERM
    os.write(2, b"\nterminated\n" if terminated else b"\ninterrupted\n")
    os._exit(TERMINATED if terminated else INTERRUPTED)
