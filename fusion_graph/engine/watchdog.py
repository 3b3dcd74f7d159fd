"""Timeouts of all calls in flight with one timer: first token, idle between tokens, total (wire contract, faults).

One `call_at` per call costs more than the call's own bookkeeping, so a single timer wakes at the earliest moment at which
any watched attempt could be overdue. A touched attempt moves its own due time; nobody reschedules for it.
"""

from __future__ import annotations

import asyncio
from math import inf

from fusion_graph.pipeline import Timeout


class Watch:
    """One attempt under watch. `reason` is set when the watchdog cancelled it."""

    __slots__ = ("first", "last", "reason", "started", "task", "timeout")

    def __init__(self, timeout: Timeout, started: float, task: asyncio.Task[object]) -> None:
        self.timeout = timeout
        self.started = started
        self.task = task
        self.first = 0.0  # loop time of the first content; 0 = none yet
        self.last = 0.0
        self.reason = ""

    def due(self) -> tuple[float, str]:
        """When this attempt is overdue if nothing more arrives, and what that is called."""
        total = self.started + self.timeout.total_s
        if self.first:
            soonest, reason = self.last + self.timeout.idle_s, "timeout_idle"
        else:
            soonest, reason = self.started + self.timeout.first_token_s, "timeout_first_token"
        return (total, "timeout_attempt") if total <= soonest else (soonest, reason)


class Watchdog:
    """Watches attempts of one event loop."""

    def __init__(self) -> None:
        self._watched: dict[Watch, None] = {}
        self._wake_at = inf
        self._timer: asyncio.TimerHandle | None = None

    def add(self, watch: Watch) -> None:
        self._watched[watch] = None
        due = watch.started + min(watch.timeout.first_token_s, watch.timeout.total_s)
        if due < self._wake_at:
            self._schedule(due)

    def remove(self, watch: Watch) -> None:
        self._watched.pop(watch, None)

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
        for watch in list(self._watched):
            due, reason = watch.due()
            if due <= now:
                watch.reason = reason
                self._watched.pop(watch)
                watch.task.cancel()
            elif due < nearest:
                nearest = due
        if nearest < inf:
            self._schedule(nearest)
