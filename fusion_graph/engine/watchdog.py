"""Timeouts of all calls in flight with one timer: first token, idle between tokens, total (wire contract, faults).

One timer per call costs more than the rest of a call's bookkeeping, so a single one wakes at the earliest moment at
which any watched call could be overdue. A call that got a token moved its own due time; nobody reschedules for it.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import Protocol

from fusion_graph.pipeline import Timeout


class Watched(Protocol):
    """An attempt under watch, in loop time. `last_at` is 0 until the first content."""

    timeout: Timeout
    began_at: float
    last_at: float

    def cut(self, reason: str) -> None:
        """End the attempt with this reason."""


class Watchdog:
    """Watches the attempts of one event loop."""

    def __init__(self) -> None:
        self._watched: dict[Watched, None] = {}
        self._wake_at = inf
        self._timer: asyncio.TimerHandle | None = None

    def add(self, call: Watched) -> None:
        self._watched[call] = None
        due = call.began_at + min(call.timeout.first_token_s, call.timeout.total_s)
        if due < self._wake_at:
            self._schedule(due)

    def remove(self, call: Watched) -> None:
        self._watched.pop(call, None)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._wake_at = None, inf

    def _schedule(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._wake_at = due
        self._timer = asyncio.get_running_loop().call_at(due, self._bark)

    def _bark(self) -> None:
        self._timer, self._wake_at = None, inf
        now, nearest = asyncio.get_running_loop().time(), inf
        for call in list(self._watched):
            due, reason = _due(call)
            if due <= now:
                self._watched.pop(call)
                call.cut(reason)
            elif due < nearest:
                nearest = due
        if nearest < inf:
            self._schedule(nearest)


def _due(call: Watched) -> tuple[float, str]:
    """When this attempt is overdue if nothing more arrives, and what that is called."""
    total = call.began_at + call.timeout.total_s
    if call.last_at:
        soonest, reason = call.last_at + call.timeout.idle_s, "timeout_idle"
    else:
        soonest, reason = call.began_at + call.timeout.first_token_s, "timeout_first_token"
    return (total, "timeout_attempt") if total <= soonest else (soonest, reason)
