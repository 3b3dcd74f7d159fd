"""What all calls to one backend share: its client, concurrency cap and request rate; and what all calls with one key at
one address share: its cool-down and auth breaker."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from fusion_graph.contracts import Backend, Client, Provider
from fusion_graph.errors import Permanent, ProviderError, Transient

AUTH_PAUSE_S = 30.0  # after a refused key: one real call may try again then, nobody before
COOLING = frozenset({"rate_limited", "upstream_5xx"})  # reasons whose Retry-After binds every node of the backend


class Account:
    """What one key at one address was told: a cool-down, a refusal. Backends that share both share this."""

    __slots__ = ("cool_until", "refused_until", "troubled")

    def __init__(self) -> None:
        self.cool_until = 0.0
        self.refused_until = 0.0
        self.troubled = False


class Lane:
    """Created on first use, inside the event loop; lives as long as its Fusion. `client` is opened when it is first
    asked for, and again after `give_up`."""

    def __init__(
        self, backend: Backend, provider: Provider, clock: Callable[[], float], account: Account | None = None
    ) -> None:
        self.backend = backend
        self.account = account or Account()
        self.free = backend.free or provider.free
        self.takes_tools = backend.tools and provider.tools
        self.needs_key = provider.needs_key and not backend.api_key
        self.cap = asyncio.Semaphore(backend.max_concurrency) if backend.max_concurrency > 0 else None
        self._rate = backend.requests_per_minute
        self._open = provider.open
        self._client: Client | None = None
        self._clock = clock
        self._sent: deque[float] = deque()  # start times of the last minute, kept only under a rate

    @property
    def client(self) -> Client:
        if self._client is None:
            self._client = self._open(self.backend)
        return self._client

    @property
    def holds_back(self) -> bool:
        """A rate, a cool-down or a refused key: ask `delay_s` before a call."""
        return self.account.troubled or self._rate > 0

    @property
    def trouble(self) -> str:
        """Why it is not asked just now: `key_refused` or `cooling`; "" if it is."""
        now = self._clock()
        if now < self.account.refused_until:
            return "key_refused"
        return "cooling" if now < self.account.cool_until else ""

    def delay_s(self) -> float:
        """Seconds to wait before the next call: the cool-down and the request rate. Counts the call when it may go now.

        Raises Permanent while the backend's key stands refused.
        """
        now = self._clock()
        if now < self.account.refused_until:
            raise Permanent(
                "auth_failed", f"backend {self.backend.name!r} refused its key; not asked again for a while", sent=False
            )
        wait = self.account.cool_until - now
        if self._rate:
            while self._sent and self._sent[0] <= now - 60:
                self._sent.popleft()
            if len(self._sent) >= self._rate:
                wait = max(wait, self._sent[0] + 60 - now)
            elif wait <= 0:
                self._sent.append(now)
        return max(wait, 0.0)

    def note(self, error: ProviderError) -> None:
        """Learn from a failure what concerns all other calls with this key at this address."""
        if error.reason == "auth_failed":
            self.account.refused_until = self._clock() + AUTH_PAUSE_S
            self.account.troubled = True
        elif isinstance(error, Transient) and error.retry_after_s and error.reason in COOLING:
            self.account.cool_until = max(self.account.cool_until, self._clock() + error.retry_after_s)
            self.account.troubled = True

    def give_up(self) -> Client | None:
        """The client, if one was opened, for whoever closes it; the next call opens another."""
        client, self._client = self._client, None
        return client
