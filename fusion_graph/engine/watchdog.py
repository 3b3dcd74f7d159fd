"""Timeouts of all calls in flight with one timer: first token, idle between tokens, total (wire contract, faults).

One timer per call costs more than the rest of a call's bookkeeping, so a single one wakes at the earliest moment at
which any watched call could be overdue. A call that got a token moved its own due time; nobody reschedules for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from math import inf
from typing import Protocol

from fusion_graph.pipeline import Timeout


class Watched(Protocol):
    """An attempt under watch, by the watchdog's clock. `last_at` is 0 until the first content."""

    timeout: Timeout
    began_at: float
    last_at: float

    def cut(self, reason: str) -> None:
        """End the attempt with this reason."""


class Watchdog:
    """Watches the attempts of one event loop, by the clock that stamped them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.watched: dict[Watched, None] = {}  # an attempt that ended takes itself out
        self._wake_at = inf
        self._timer: asyncio.TimerHandle | None = None

    def add(self, call: Watched) -> None:
        self.watched[call] = None
        due = call.began_at + call.timeout.shortest_s
        if due < self._wake_at:
            self._schedule(due)

    def stop(self) -> None:
        if self._timer is not None:
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
        for call in list(self.watched):
            due, reason = _due(call)
            if due <= now:
                del self.watched[call]
                call.cut(reason)
                continue
            if not call.last_at:  # its first content may come at any moment, and from then on it may be idle
                due = min(due, now + call.timeout.idle_s)
            nearest = min(nearest, due)
        if nearest < self._wake_at:
            self._schedule(nearest)


def _due(call: Watched) -> tuple[float, str]:
    """When this attempt is overdue if nothing more arrives, and what that is called."""
    total = call.began_at + call.timeout.total_s
    if call.last_at:
        soonest, reason = call.last_at + call.timeout.idle_s, "timeout_idle"
    else:
        soonest, reason = call.began_at + call.timeout.first_token_s, "timeout_first_token"
    return (total, "timeout_attempt") if total <= soonest else (soonest, reason)
