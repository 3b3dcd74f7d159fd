"""One SQLite file and the one thread that writes to it. What is put is committed in groups: whoever waits in `flush`
waits for a single fsync, however many do (WAL, synchronous FULL).

A database that cannot be written any more (disk full, folder gone, file broken) says so in `broken`; from then on
nothing is written and nobody waits, because the work that is written down is worth more than the writing.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeAlias

from fusion_graph.errors import UsageError
from fusion_graph.store.clockwork import standing_still

BUSY_MS = 5_000  # another process may be writing
AT_ONCE = 2_000  # of what is put, in one transaction
Statement: TypeAlias = tuple[str, Sequence[Any]]
Task: TypeAlias = Callable[[sqlite3.Connection], None]


class Schema(NamedTuple):
    """`steps` bring a file from one version to the next, the first from an empty one. What has landed never changes."""

    name: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Flush:
    """Somebody waits for everything put so far."""

    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]


class Database:
    """Open for writing. `put` may be called from an event loop: it touches no file."""

    def __init__(self, path: Path, schema: Schema) -> None:
        self.path = path
        self.broken = ""
        self._schema = schema
        self._queue: SimpleQueue[tuple[Statement, ...] | Task | _Flush | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Make the folder and the file if need be. A failure stands in `broken`."""
        try:
            make_private(self.path)
            with closing(connect(self.path)) as connection:
                migrate(connection, self._schema, self.path)
        except (sqlite3.Error, OSError, UsageError) as fault:
            self._break(fault)
            return
        self._thread = threading.Thread(target=self._write, name=f"{self._schema.name}-writer", daemon=True)
        self._thread.start()

    def put(self, sql: str, values: Sequence[Any], first: Sequence[Statement] = ()) -> None:
        """A statement, in one transaction with those that come `first`."""
        if not self.broken:
            self._queue.put((*first, (sql, values)))

    def do(self, task: Task) -> None:
        """Work for the writing thread that makes transactions of its own; for what statements cannot do."""
        if not self.broken:
            self._queue.put(task)

    async def flush(self) -> None:
        """Returns when everything put so far is committed, or the database is broken."""
        if self.broken or self._thread is None:
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._queue.put(_Flush(loop, done))
        with standing_still(loop):
            await done

    def close(self) -> None:
        """Write what is left and end the thread."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        connection: sqlite3.Connection | None = None
        more = True
        while more:
            items = self._take()
            more = None not in items
            flushes = [item for item in items if isinstance(item, _Flush)]
            statements = [one for item in items if isinstance(item, tuple) for one in item]
            tasks = [item for item in items if callable(item)]
            if (statements or tasks) and not self.broken:
                try:
                    connection = connection or connect(self.path)
                    _commit(connection, statements)
                    for task in tasks:
                        task(connection)
                except Exception as fault:  # noqa: BLE001  (whatever it is: nobody may wait for ever)
                    self._break(fault)
            _wake(flushes)
        if connection is not None:
            connection.close()

    def _take(self) -> list[tuple[Statement, ...] | Task | _Flush | None]:
        """What stands in the queue, at least one."""
        items = [self._queue.get()]
        with suppress(Empty):
            while items[-1] is not None and len(items) < AT_ONCE:
                items.append(self._queue.get_nowait())
        return items

    def _break(self, fault: Exception) -> None:
        self.broken = f"{self.path.name}: {fault}"


def _commit(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    """All in one transaction, neighbours with the same SQL together: to prepare one costs as much as to run it. Half
    characters, which names of files and replies of models may have and SQLite may not, become question marks."""
    if not statements:
        return
    try:
        with transaction(connection):
            for sql, group in groupby(statements, key=itemgetter(0)):
                connection.executemany(sql, map(itemgetter(1), group))
    except UnicodeEncodeError:
        _commit(connection, [(sql, list(map(whole, values))) for sql, values in statements])


def whole(value: Any) -> Any:
    """As SQLite can have it."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One that writes: committed at its end, taken back where it fails."""
    _patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _wake(waiting: Iterable[_Flush]) -> None:
    """One call into each loop, however many of its tasks wait."""
    loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for flush in waiting:
        loops.setdefault(flush.loop, []).append(flush.done)
    for loop, futures in loops.items():
        with suppress(RuntimeError):  # it is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, futures)


def _settle(futures: Iterable[asyncio.Future[None]]) -> None:
    for done in futures:
        if not done.done():
            done.set_result(None)


# --- the file ---------------------------------------------------------------------------------------------------------


def make_private(path: Path) -> None:
    """The folder and the file are their owner's alone: prompts and answers stand in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(PermissionError):  # somebody else's folder
        path.parent.chmod(0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
    try:
        _patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"))
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _patiently(act: Callable[[], object]) -> None:
    """SQLite's own patience does not cover the moments in which another process opens the file first or closes it
    last."""
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            act()
        except sqlite3.OperationalError as fault:
            if "locked" not in str(fault) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def migrate(connection: sqlite3.Connection, schema: Schema, path: Path) -> None:
    """Forward, in one transaction; the version is read inside it, as another process may be doing the same. Raises
    UsageError for a file from a later version."""
    if _version(connection) == len(schema.steps):
        return
    _patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
    try:
        version = _version(connection)
        if version > len(schema.steps):
            raise UsageError(
                f"{path} was written by a later version of this program", hint="update it, or move the file"
            )
        for statement in ";".join(schema.steps[version:]).split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(schema.steps)}")
    finally:
        connection.execute("COMMIT" if _version(connection) == len(schema.steps) else "ROLLBACK")


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


@contextmanager
def reading(path: Path, schema: Schema) -> Iterator[sqlite3.Connection]:
    """For queries, beside whoever writes; a file of an earlier version is brought forward first. Raises UsageError that
    says what is wrong with the file."""
    if not path.exists():
        raise UsageError(f"there is no {schema.name} yet: {path}", hint="the first run makes one")
    with usable(path), closing(open_to_read(path)) as connection:
        if _version(connection) != len(schema.steps):
            with closing(connect(path)) as writing:
                migrate(writing, schema, path)
        yield connection


@contextmanager
def changing(path: Path, schema: Schema) -> Iterator[sqlite3.Connection]:
    """A file that is there, to be written to beside its writers, brought forward first. Raises UsageError that says
    what is wrong with it."""
    with usable(path), closing(connect(path)) as connection:
        migrate(connection, schema, path)
        yield connection


@contextmanager
def usable(path: Path) -> Iterator[None]:
    """What SQLite says of a file is said of the file."""
    try:
        yield
    except sqlite3.OperationalError as fault:  # its rights, its disk, somebody else who holds it: not what is in it
        raise UsageError(f"{path} cannot be used: {fault}", hint=f"look at {path.parent}: rights, disk space") from None
    except sqlite3.Error as fault:
        raise UsageError(
            f"{path} cannot be read: {fault}", hint="move it away; the next run begins a new one"
        ) from None


def open_to_read(path: Path) -> sqlite3.Connection:
    """For queries; close it."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=BUSY_MS / 1000)
    connection.row_factory = sqlite3.Row
    return connection
