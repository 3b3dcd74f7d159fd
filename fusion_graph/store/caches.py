"""The cache of a server, which is there once a run asks for it. Apart from `cache`, so that a server which needs none
does not load SQLite."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fusion_graph.store.cache import Cache


class Caches:
    """A cache that is opened when the first run needs it: a server must not make files that nobody asked for."""

    def __init__(self, opener: Callable[[], Cache]) -> None:
        self._opener = opener
        self._cache: Cache | None = None

    def of(self, tenant: str) -> Cache:
        self._cache = self._cache or self._opener()
        return self._cache.of(tenant)

    def close(self) -> None:
        if self._cache is not None:
            self._cache.close()
