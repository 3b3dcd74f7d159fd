"""A server's cache: no file before a run asks for it, one cache for all keys after."""

from __future__ import annotations

from pathlib import Path

from fusion_graph.store.cache import Cache
from fusion_graph.store.caches import Caches


def test_cache_is_opened_once_and_when_it_is_asked_for(tmp_path: Path) -> None:
    opened: list[Cache] = []

    def opener() -> Cache:
        opened.append(Cache(tmp_path))
        return opened[-1]

    caches = Caches(opener)
    assert not list(tmp_path.iterdir())
    caches.of("alice")
    caches.of("bob")
    assert len(opened) == 1
    caches.close()


def test_caches_that_nobody_asked_for_close_without_a_file(tmp_path: Path) -> None:
    Caches(lambda: Cache(tmp_path)).close()
    assert not list(tmp_path.iterdir())
