"""Replies that other runs may take instead of buying them again; off unless a run or a node asks for it.

What failed, was cut off or refused is never kept. On a server every key has its own (`tenant`).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from copy import copy
from pathlib import Path

from fusion_graph.contracts import Recalled
from fusion_graph.messages import Completion
from fusion_graph.pipeline import Node
from fusion_graph.store.database import Database
from fusion_graph.store.replies import read_completion, write_completion
from fusion_graph.store.tables import CACHE

FILE = "cache.db"
BUSY_S = 0.25  # readers of a WAL file wait for nobody but who opens or mends it in this moment
TTL_S = 7 * 86_400.0
MAX_BYTES = 256 << 20
KEEP = "INSERT OR REPLACE INTO replies (tenant, digest, at, size, body) VALUES (?, ?, ?, ?, ?)"
FIND = "SELECT at, body FROM replies WHERE tenant = ? AND digest = ?"
EXPIRE = "DELETE FROM replies WHERE at < ?"
SHRINK = (
    "DELETE FROM replies WHERE (tenant, digest) IN (SELECT tenant, digest FROM (SELECT tenant, digest,"
    " SUM(size) OVER (ORDER BY at DESC, digest) AS total FROM replies) WHERE total > ?)"
)


class Cache:
    """`everywhere`: for every node, else only for those whose `cache` is on. A node's `ttl_s` is in force for it."""

    def __init__(
        self,
        folder: Path,
        *,
        tenant: str = "",
        everywhere: bool = False,
        ttl_s: float = TTL_S,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = Database(folder / FILE, CACHE)
        self._database.open()
        self._tenant = tenant
        self._everywhere = everywhere
        self._ttl_s = ttl_s
        self._max_bytes = max_bytes
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._waiting: list[str] = []  # kept, and perhaps not written yet
        self._database.put(EXPIRE, (clock() - ttl_s,))

    def of(self, tenant: str) -> Cache:
        """The same file, with nobody's replies but this tenant's. Closed with this one."""
        self._open()
        view = copy(self)
        view._tenant = tenant  # noqa: SLF001 (our own copy)
        return view

    @property
    def off(self) -> str:
        """Why nothing is kept; "" while it is."""
        return self._database.broken

    def find(self, node: Node, digest: str) -> Recalled | None:
        """The reply to the same call, if it is young enough. One look at an index: microseconds, so in the event
        loop."""
        ttl_s = self._ttl(node)
        if ttl_s is None or self.off:
            return None
        try:
            row = self._open().execute(FIND, (self._tenant, digest)).fetchone()
            if row is None or row[0] < self._clock() - ttl_s:
                return None
            return Recalled("cached", read_completion(row[1]))
        except (sqlite3.Error, ValueError):
            return None

    def keep(self, node: Node, digest: str, completion: Completion) -> None:
        cut = completion.finish_reason in ("length", "content_filter") or completion.refusal is not None
        if self._ttl(node) is None or cut or not (completion.text or completion.tool_calls):
            return
        body = write_completion(completion)
        self._database.put(KEEP, (self._tenant, digest, self._clock(), len(body), body))
        self._waiting.append(digest)

    async def flush(self) -> None:
        """Returns when everything kept so far can be found."""
        if self._waiting:
            self._waiting.clear()
            await self._database.flush()

    def close(self) -> None:
        """Write what is left, within the size."""
        self._database.put(SHRINK, (self._max_bytes,))
        self._database.close()
        if self._connection is not None:
            with closing(self._connection):
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        self._connection = self._connection or sqlite3.connect(self._database.path, timeout=BUSY_S)
        return self._connection

    def _ttl(self, node: Node) -> float | None:
        """Seconds for which a reply of this node counts; None: not at all."""
        told = node.model.cache if node.model is not None else None
        if isinstance(told, Mapping):
            return float(told["ttl_s"])
        return self._ttl_s if told or (told is None and self._everywhere) else None
