"""An event loop whose time passes only when nothing is left to do. Every timer of a run fires in order and none of them
is waited for, so that a run on it decides the same on any machine, however busy."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import NamedTuple

BEGIN_S = 1.0  # a time that is not "never"
Ready = list[tuple[selectors.SelectorKey, int]]


class Move(NamedTuple):
    """Something that happens at a time."""

    at: float
    act: Callable[[], None]


class Clockwork(asyncio.SelectorEventLoop):
    """`pace`: real seconds to each of its seconds; 0 = never wait. `next_move(due)`: what happens before the timer that
    is due then, None = the timer is next. `held`: how many wait for another thread; until it has spoken no time
    passes."""

    def __init__(self, pace: float = 0.0) -> None:
        self._now = BEGIN_S
        self.pace = pace
        self.held = 0
        self.next_move: Callable[[float], Move | None] = lambda _due: None
        super().__init__(_Selector(self._idle))

    def time(self) -> float:
        return self._now

    def _idle(self, timeout: float | None, wait: Callable[[float | None], Ready]) -> Ready:
        """Nothing is ready: let time pass until the next timer or move."""
        if self.held:
            return wait(None)
        move = self.next_move(inf if timeout is None else self._now + timeout)
        if move is None and timeout is None:
            return wait(None)  # for a signal or another thread
        then = max(self._now, move.at) if move is not None else self._now + (timeout or 0.0)
        if self.pace > 0 and (woken := wait((then - self._now) * self.pace)):
            return woken  # a signal; the rest of the wait begins anew
        self._now = then
        if move is not None:
            move.act()
        return []


@contextmanager
def standing_still(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Whoever waits for another thread within this takes no time on a Clockwork."""
    if not isinstance(loop, Clockwork):
        yield
        return
    loop.held += 1
    try:
        yield
    finally:
        loop.held -= 1


class _Selector(selectors.DefaultSelector):
    """Asks the loop what to do instead of waiting."""

    def __init__(self, idle: Callable[[float | None, Callable[[float | None], Ready]], Ready]) -> None:
        super().__init__()
        self._idle = idle

    def select(self, timeout: float | None = None) -> Ready:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        return self._idle(timeout, super().select)
