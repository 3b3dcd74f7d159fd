"""Time limits of all runs and calls in flight with one timer: deadlines, and of attempts first token, idle between
tokens, total (wire contract, faults).

One timer per call costs more than the rest of a call's bookkeeping, so a single one wakes at the earliest moment at
which anything watched could be overdue. A call that got a token moved its own due time; nobody reschedules for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from math import inf
from typing import Protocol

from fusion_graph.pipeline import Timeout


class Watched(Protocol):
    """What has a limit, by the watchdog's clock."""

    def look(self, now: float) -> float:
        """Do what is due by now; when to look again, inf for never."""


class Attempt(Protocol):
    """A call under way. `last_at` is 0 until its first content."""

    timeout: Timeout
    began_at: float
    last_at: float

    def cut(self, reason: str) -> None:
        """End the attempt with this reason."""


class Watchdog:
    """Watches what goes on in one event loop, by the clock that stamped it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.watched: dict[Watched, None] = {}  # what ended takes itself out
        self._wake_at = inf
        self._timer: asyncio.TimerHandle | None = None

    def add(self, watched: Watched, due: float) -> None:
        """Nothing is due before."""
        self.watched[watched] = None
        if due < self._wake_at:
            self._schedule(due)

    def stop(self) -> None:
        """Nothing more is to come: no timer stays, but for what still goes on, which keeps its limits."""
        if self._timer is not None and not self.watched:
            self._timer.cancel()
            self._timer, self._wake_at = None, inf

    def _schedule(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._wake_at = due
        self._timer = asyncio.get_running_loop().call_later(due - self._clock(), self._bark)

    def _bark(self) -> None:
        self._timer, self._wake_at = None, inf
        now, nearest = self._clock(), inf
        for watched in list(self.watched):
            again = watched.look(now) if watched in self.watched else inf
            if again == inf:
                self.watched.pop(watched, None)
            nearest = min(nearest, again)
        if nearest < self._wake_at:
            self._schedule(nearest)


def look(call: Attempt, now: float) -> float:
    """Cut an attempt that is overdue; when to look again."""
    due, reason = _due(call)
    if due <= now:
        call.cut(reason)
        due, _ = _due(call)  # a writer may be let go on
        if due <= now:
            return inf
    return due if call.last_at else min(due, now + call.timeout.idle_s)  # its first content may come at any moment


def _due(call: Attempt) -> tuple[float, str]:
    """When this attempt is overdue if nothing more arrives, and what that is called."""
    total = call.began_at + call.timeout.total_s
    if call.last_at:
        soonest, reason = call.last_at + call.timeout.idle_s, "timeout_idle"
    else:
        soonest, reason = call.began_at + call.timeout.first_token_s, "timeout_first_token"
    return (total, "timeout_attempt") if total <= soonest else (soonest, reason)
