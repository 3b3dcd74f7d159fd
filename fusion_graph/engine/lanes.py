"""What all calls to one backend share: its client, concurrency cap and request rate; and what all calls with one key at
one address share: its cool-down and auth breaker."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping

from fusion_graph.contracts import Backend, Client, Provider
from fusion_graph.errors import Permanent, ProviderError, Transient, UsageError
from fusion_graph.lazy import Lazy

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
    """Created on first use, inside the event loop; lives as long as its Fusion."""

    def __init__(
        self, backend: Backend, provider: Provider, clock: Callable[[], float], account: Account | None = None
    ) -> None:
        self.backend = backend
        self.account = account or Account()
        self.free = backend.free or provider.free
        self.takes_tools = backend.tools and provider.tools
        self.needs_key = provider.needs_key and not backend.api_key
        self.cap = asyncio.Semaphore(backend.max_concurrency) if backend.max_concurrency > 0 else None
        self.bounded = self.cap is not None or backend.requests_per_minute > 0
        self._open = provider.open
        self._clock = clock
        self._sent: deque[float] = deque()  # start times of the last minute, kept only under a rate

    @Lazy
    def client(self) -> Client:
        return self._open(self.backend)

    @property
    def holds_back(self) -> bool:
        """A rate, a cool-down or a refused key: ask `delay_s` before a call."""
        return self.account.troubled or self.backend.requests_per_minute > 0

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
        rate = self.backend.requests_per_minute
        if rate:
            while self._sent and self._sent[0] <= now - 60:
                self._sent.popleft()
            if len(self._sent) >= rate:
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

    async def aclose(self) -> None:
        client: Client | None = self.__dict__.pop("client", None)
        if client is not None:
            await client.aclose()


class Lanes(dict[str, Lane]):
    """All backends of one Fusion, opened on first use. By the name asked for: "" and the default's own name find the
    same lane."""

    def __init__(
        self,
        backends: Mapping[str, Backend],
        providers: Mapping[str, Provider],
        default: str,
        clock: Callable[[], float],
    ) -> None:
        self._backends = backends
        self._providers = providers
        self._default = default
        self._clock = clock
        self._accounts: dict[tuple[str, str], Account] = {}

    def __missing__(self, name: str) -> Lane:
        """Open a backend, "" being the default one. Raises UsageError for a name the settings do not have."""
        lane = self[name] = self._open(name) if name else self[self._default]
        return lane

    def _open(self, name: str) -> Lane:
        backend = self._backends.get(name)
        if backend is None:
            known = ", ".join(sorted(self._backends))
            raise UsageError(f"unknown backend {name!r}", hint=f"the settings have: {known}")
        place = (backend.base_url.rstrip("/") or name, backend.api_key)
        account = self._accounts.setdefault(place, Account())
        return Lane(backend, self._providers[backend.provider], self._clock, account)

    async def aclose(self) -> None:
        """Close every client that was opened."""
        lanes = list(self.values())
        self.clear()
        for lane in lanes:  # the default one may stand there twice, which does no harm
            await lane.aclose()
