"""What the journal forgets: what is too old, then the oldest while the file is too large, but never the newest. A
series goes as a whole."""

from __future__ import annotations

from sqlite3 import Connection

from fusion_graph.store.owner import is_alive

SIZE = (
    "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
)
ENDED = "(state != 'running' OR NOT is_alive(owner))"  # a killed process leaves its runs as they stood
UNITS = (
    f"SELECT id, began AS at FROM runs WHERE series IS NULL AND {ENDED}"  # noqa: S608 (a constant)
    f" UNION ALL SELECT id, tried FROM series WHERE {ENDED}"
)
ORPHANS = (
    "DELETE FROM blobs WHERE digest NOT IN (SELECT source FROM runs UNION SELECT messages FROM runs"
    " UNION SELECT document FROM runs WHERE document IS NOT NULL"
    " UNION SELECT reply FROM attempts WHERE reply IS NOT NULL"
    " UNION SELECT answer FROM tools WHERE answer IS NOT NULL)"
)
STEP = 10  # a tenth of what is left goes at a time


def prune(connection: Connection, *, before: float, max_bytes: int) -> int:
    """Inside a transaction. Returns how many runs and series went; the space they took is used again."""
    connection.create_function("is_alive", 1, is_alive)
    units = [str(row[0]) for row in connection.execute(f"SELECT id FROM ({UNITS}) WHERE at < ?", (before,))]  # noqa: S608
    gone = _forget(connection, units)
    while connection.execute(SIZE).fetchone()[0] > max_bytes:
        left = [str(row[0]) for row in connection.execute(f"SELECT id FROM ({UNITS}) ORDER BY at")]  # noqa: S608
        if len(left) < 2:
            break
        gone += _forget(connection, left[: max(1, len(left) // STEP)])
    return gone


def _forget(connection: Connection, units: list[str]) -> int:
    for table in ("runs", "series"):
        connection.executemany(f"DELETE FROM {table} WHERE id = ?", [(unit,) for unit in units])  # noqa: S608
    if units:
        connection.execute(ORPHANS)
    return len(units)
