"""What the journal forgets: what is too old, then the oldest while the file is too large, but never the newest. A
series goes as a whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from sqlite3 import Connection

from fusion_graph.store.database import transaction
from fusion_graph.store.owner import is_alive

SIZE = (
    "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
)
ENDED = "(state != 'running' OR NOT is_alive(owner))"  # a killed process leaves its runs as they stood
UNITS = (
    f"SELECT id, '' AS command, began AS at, 1 AS runs FROM runs WHERE series IS NULL AND {ENDED} UNION ALL"  # noqa: S608 (a constant)
    f" SELECT id, command, tried, (SELECT COUNT(*) FROM runs WHERE series = series.id) FROM series WHERE {ENDED}"
)
ORPHANS = (
    "WITH RECURSIVE kept (digest) AS (SELECT source FROM runs UNION SELECT messages FROM runs"
    " UNION SELECT document FROM runs UNION SELECT reply FROM attempts UNION SELECT answer FROM tools"
    " UNION SELECT IIF(part, last, earlier) FROM kept JOIN blobs USING (digest), (SELECT 0 AS part UNION SELECT 1)"
    " WHERE earlier IS NOT NULL)"
    " DELETE FROM blobs WHERE digest NOT IN (SELECT digest FROM kept WHERE digest IS NOT NULL)"
)
STEP = 10  # a tenth of what is left goes at a time


@dataclass(slots=True)
class Forgotten:
    """What went: `runs` in all, and how many `series` of each command some of them were of."""

    runs: int = 0
    of_series: int = 0
    series: Counter[str] = field(default_factory=Counter)


def prune(connection: Connection, *, before: float, max_bytes: int) -> Forgotten:
    """In transactions of its own, so that other writers get their turns between them. The space is used again."""
    connection.create_function("is_alive", 1, is_alive)
    gone = Forgotten()
    _forget(connection, gone, "WHERE at < ?", before)
    while connection.execute(SIZE).fetchone()[0] > max_bytes:
        (left,) = connection.execute(f"SELECT COUNT(*) FROM ({UNITS})").fetchone()  # noqa: S608
        if left < 2:
            break
        _forget(connection, gone, "ORDER BY at LIMIT ?", max(1, left // STEP))
    return gone


def _forget(connection: Connection, gone: Forgotten, which: str, value: float) -> None:
    """Rows go with the rows that are theirs, then the texts that no row refers to. SQLite would look through all rows
    for each of those, were it to check once more that none does."""
    with transaction(connection):
        units = connection.execute(f"SELECT id, command, runs FROM ({UNITS}) {which}", (value,)).fetchall()  # noqa: S608
        for unit, command, runs in units:
            connection.execute(f"DELETE FROM {'series' if command else 'runs'} WHERE id = ?", (unit,))  # noqa: S608
            gone.runs += runs
            gone.of_series += runs if command else 0
            gone.series.update([command] if command else ())
    if not units:
        return
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        with transaction(connection):
            connection.execute(ORPHANS)
    finally:
        connection.execute("PRAGMA foreign_keys = ON")
