"""All backends of one Fusion."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fusion_graph.contracts import Backend, Provider
from fusion_graph.engine.lane import Account, Lane
from fusion_graph.errors import UsageError


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
            client = lane.give_up()
            if client is not None:
                await client.aclose()
