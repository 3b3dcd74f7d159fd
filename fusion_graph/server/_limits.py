"""What each key may still do: requests per minute, runs at once, dollars per day (UTC).

A run's worst case is set aside before it begins and replaced by its cost when it ends, so that many runs at once cannot
pass a budget together.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fusion_graph.server._auth import Key
from fusion_graph.server._errors import invalid, limited, over_budget

MINUTE_S = 60.0
DAY_S = 86_400


class Purse:
    """One run's share of a key's day."""

    __slots__ = ("cost_usd",)

    def __init__(self) -> None:
        self.cost_usd: float | None = None  # set when known; None books the worst case


class Account:
    """What one key has going on and has spent today."""

    __slots__ = ("day", "reserved", "running", "spent", "times")

    def __init__(self) -> None:
        self.times: deque[float] = deque()
        self.running = 0
        self.day = 0
        self.spent = 0.0
        self.reserved = 0.0


class Limits:
    """Accounts by the name of the key. `clock` is wall time, an argument so that tests own it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._accounts: dict[str, Account] = {}

    def count(self, key: Key) -> None:
        """One more request. Raises Refused 429."""
        if not key.requests_per_minute:
            return
        times, now = self.account(key).times, self._clock()
        while times and times[0] <= now - MINUTE_S:
            times.popleft()
        if len(times) >= key.requests_per_minute:
            raise limited("this key's requests per minute are spent", int(times[0] + MINUTE_S - now) + 1)
        times.append(now)

    @contextmanager
    def run(self, key: Key, worst_usd: float | None) -> Iterator[Purse]:
        """One run of a key. Raises Refused when it has too many, or no money for the worst case."""
        account, purse = self.account(key), Purse()
        if key.max_runs and account.running >= key.max_runs:
            raise limited("this key has as many runs going on as it may", 5)
        held = 0.0
        if key.budget_usd_per_day is not None:
            if worst_usd is None:
                raise invalid("a price is unknown, so this key's budget cannot be kept", code="unpriced_model")
            if account.spent + account.reserved + worst_usd > key.budget_usd_per_day:
                raise over_budget("this key's budget of today has no room for the worst case of this run")
            held = worst_usd
        account.running += 1
        account.reserved += held
        try:
            yield purse
        finally:
            account.running -= 1
            account.reserved -= held
            account.spent += held if purse.cost_usd is None else purse.cost_usd

    def account(self, key: Key) -> Account:
        account = self._accounts.setdefault(key.name, Account())
        day = int(self._clock() // DAY_S)
        if account.day != day:
            account.day, account.spent = day, 0.0
        return account
