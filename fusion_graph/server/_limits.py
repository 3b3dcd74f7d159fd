"""What each key may still do: requests per minute, runs at once, dollars per day (UTC).

A run's worst case is set aside before it begins and replaced by its cost when it ends, so that many runs at once cannot
pass a budget together. Accounts are kept in this process; `_shared_limits` keeps them where several processes see them.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal, Self

from fusion_graph.events import CallFailed, CallFinished, Event
from fusion_graph.messages import total_cost
from fusion_graph.server._auth import Key
from fusion_graph.server._errors import invalid, limited, over_budget

MINUTE_S = 60.0
DAY_S = 86_400

Entry = Literal["in", "runs", "budget"]
"""A run may begin, or which limit keeps it out."""


class Purse:
    """One run's share of a key's day; by itself that of a key without limits, which nobody keeps."""

    cost_usd: float | None = None  # set when known; None books the worst case

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        pass


class Bill:
    """A listener that adds up what attempts cost, for a run that may be cancelled and then has no result."""

    def __init__(self) -> None:
        self._costs: list[float | None] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, CallFinished | CallFailed):
            self._costs.append(event.cost_usd)

    @property
    def cost_usd(self) -> float | None:
        return total_cost(self._costs)


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
    """Accounts by the name of the key. `clock` is wall time, an argument so that tests own it. What a subclass keeps
    elsewhere is `_hit`, `_enter` and `_leave`; what is refused, and how, is said here."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._accounts: dict[str, Account] = {}

    async def count(self, key: Key) -> None:
        """One more request. Raises Refused 429."""
        if key.requests_per_minute:
            wait_s = await self._hit(key)
            if wait_s > 0:
                raise limited("this key's requests per minute are spent", int(wait_s) + 1)

    def run(self, key: Key, worst_usd: float | None) -> AbstractAsyncContextManager[Purse]:
        """One run of a key. Entering it raises Refused when it has too many, or no money for the worst case."""
        if not key.max_runs and key.budget_usd_per_day is None:
            return Purse()
        return self._run(key, worst_usd)

    @asynccontextmanager
    async def _run(self, key: Key, worst_usd: float | None) -> AsyncIterator[Purse]:
        held, purse = _held(key, worst_usd), Purse()
        token = secrets.token_hex(8)
        entry = await self._enter(key, token, held)
        if entry == "runs":
            raise limited("this key has as many runs going on as it may", 5)
        if entry == "budget":
            raise over_budget("this key's budget of today has no room for the worst case of this run")
        try:
            yield purse
        finally:
            await self._leave(key, token, held, held if purse.cost_usd is None else purse.cost_usd)

    async def aclose(self) -> None:
        """Nothing to close here."""

    # --- where accounts are kept ---

    async def _hit(self, key: Key) -> float:
        """Count a request. Gives the seconds until there is room, 0 if there was."""
        times, now = self.account(key).times, self._clock()
        while times and times[0] <= now - MINUTE_S:
            times.popleft()
        if len(times) >= key.requests_per_minute:
            return times[0] + MINUTE_S - now
        times.append(now)
        return 0.0

    async def _enter(self, key: Key, _token: str, held: float) -> Entry:
        """Begin a run of this name with so many dollars set aside, if it may."""
        account, budget = self.account(key), key.budget_usd_per_day
        if key.max_runs and account.running >= key.max_runs:
            return "runs"
        if budget is not None and account.spent + account.reserved + held > budget:
            return "budget"
        account.running += 1
        account.reserved += held
        return "in"

    async def _leave(self, key: Key, _token: str, held: float, cost_usd: float) -> None:
        """A run has ended and costs so much."""
        account = self.account(key)
        account.running -= 1
        account.reserved -= held
        account.spent += cost_usd

    def account(self, key: Key) -> Account:
        account = self._accounts.setdefault(key.name, Account())
        day = int(self._clock() // DAY_S)
        if account.day != day:
            account.day, account.spent = day, 0.0
        return account


def _held(key: Key, worst_usd: float | None) -> float:
    """What a run sets aside. Raises Refused when nobody knows and a budget must be kept."""
    if key.budget_usd_per_day is None:
        return 0.0
    if worst_usd is None:
        raise invalid("a price is unknown, so this key's budget cannot be kept", code="unpriced_model")
    return worst_usd
