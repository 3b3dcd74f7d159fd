"""What the journal forgets: runs that are too old, then the oldest ones while the file is too large."""

from __future__ import annotations

from sqlite3 import Connection

from fusion_graph.store.owner import is_alive

SIZE = (
    "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
)
ENDED = "(state != 'running' OR NOT is_alive(owner))"  # a killed process leaves its runs as they stood
OLD = f"DELETE FROM runs WHERE began < ? AND {ENDED}"  # noqa: S608 (a constant)
OLDEST = f"DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE {ENDED} ORDER BY began LIMIT ?)"  # noqa: S608
ORPHANS = (
    "DELETE FROM blobs WHERE digest NOT IN (SELECT source FROM runs UNION SELECT messages FROM runs"
    " UNION SELECT document FROM runs WHERE document IS NOT NULL"
    " UNION SELECT reply FROM attempts WHERE reply IS NOT NULL)"
)
STEP = 10  # a tenth of what is left goes at a time


def prune(connection: Connection, *, before: float, max_bytes: int) -> int:
    """Inside a transaction. Returns how many runs went; the space they took is used again."""
    connection.create_function("is_alive", 1, is_alive)
    (left,) = connection.execute("SELECT COUNT(*) FROM runs").fetchone()
    gone = connection.execute(OLD, (before,)).rowcount
    if gone:
        connection.execute(ORPHANS)
    while connection.execute(SIZE).fetchone()[0] > max_bytes:
        more = connection.execute(OLDEST, (max(1, (left - gone) // STEP),)).rowcount
        if not more:
            break
        gone += more
        connection.execute(ORPHANS)
    return gone
