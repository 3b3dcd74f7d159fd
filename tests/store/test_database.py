"""One file, one writing thread; and a disk that does not do what it should."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.store.database import Database, Schema, connect, migrate, reading

SCHEMA = Schema("notebook", ("CREATE TABLE lines (text TEXT);",))
ADD = "INSERT INTO lines VALUES (?)"
FULL = """
import asyncio, resource, signal, sys
from pathlib import Path
from fusion_graph.store.database import Database, Schema
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
book = Database(Path(sys.argv[1]), Schema("notebook", ("CREATE TABLE lines (text TEXT);",)))
book.open()
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
async def main():
    for _ in range(8):
        book.put("INSERT INTO lines VALUES (?)", ("x" * 50_000,))
        await asyncio.wait_for(book.flush(), 20)
asyncio.run(main())
book.close()
print(book.broken)
"""
WRITER = """
import asyncio, sys
from pathlib import Path
from fusion_graph.store.database import Database, Schema
book = Database(Path(sys.argv[1]), Schema("notebook", ("CREATE TABLE lines (text TEXT);",)))
book.open()
async def main():
    for n in range(100):
        book.put("INSERT INTO lines VALUES (?)", (f"{sys.argv[2]}{n}",))
        await book.flush()
asyncio.run(main())
book.close()
print(book.broken)
"""


def opened(path: Path) -> Database:
    database = Database(path, SCHEMA)
    database.open()
    return database


def lines(path: Path) -> list[str]:
    with reading(path, SCHEMA) as connection:
        return [row["text"] for row in connection.execute("SELECT text FROM lines")]


async def test_what_was_flushed_is_there_for_others(tmp_path: Path) -> None:
    database = opened(tmp_path / "home" / "a.db")
    database.put(ADD, ("one",))
    await database.flush()
    assert lines(database.path) == ["one"]
    database.put(ADD, ("two",))
    database.close()
    assert lines(database.path) == ["one", "two"]


async def test_many_who_wait_are_all_woken(tmp_path: Path) -> None:
    database = opened(tmp_path / "a.db")
    async with asyncio.TaskGroup() as group:
        for n in range(300):
            database.put(ADD, (str(n),))
            group.create_task(database.flush())
    assert lines(database.path) == [str(n) for n in range(300)]
    database.close()


def test_folder_and_file_are_private(tmp_path: Path) -> None:
    # security 29
    database = opened(tmp_path / "home" / "a.db")
    database.close()
    assert (database.path.parent.stat().st_mode & 0o777, database.path.stat().st_mode & 0o777) == (0o700, 0o600)


def test_every_commit_is_synced(tmp_path: Path) -> None:
    connection = connect(tmp_path / "a.db")
    modes = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    connection.close()
    assert modes == ["wal", 2]


def test_older_file_is_brought_forward(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    opened(path).close()
    later = Schema("notebook", (*SCHEMA.steps, "ALTER TABLE lines ADD COLUMN more TEXT DEFAULT 'x';"))
    connection = connect(path)
    migrate(connection, later, path)
    migrate(connection, later, path)
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert connection.execute("SELECT more FROM lines").fetchall() == []
    connection.close()


async def broken(path: Path) -> str:
    """Opened, written and waited for: nobody hangs, nothing is raised."""
    database = opened(path)
    database.put(ADD, ("lost",))
    await database.flush()
    database.close()
    return database.broken


async def test_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert "later version" in await broken(path)
    with pytest.raises(UsageError, match="later version"):
        lines(path)


async def test_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"not a database, by far" * 500)
    assert "not a database" in await broken(path)
    with pytest.raises(UsageError, match="cannot be read"):
        lines(path)


async def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert await broken(tmp_path / "file" / "a.db")


async def test_database_broken_under_way_lets_everybody_go(tmp_path: Path) -> None:
    database = opened(tmp_path / "a.db")
    database.put("INSERT INTO nowhere VALUES (?)", ("x",))
    await database.flush()
    assert "nowhere" in database.broken
    await database.flush()
    database.close()


def test_there_is_none_yet(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no notebook yet"):
        lines(tmp_path / "a.db")


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_full_disk_breaks_it_and_loses_nothing_before(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "a.db")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().startswith("a.db: "), done
    assert lines(tmp_path / "a.db") == ["x" * 50_000]


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    program = [sys.executable, "-c", WRITER, str(tmp_path / "a.db")]
    both = [subprocess.Popen([*program, name], stdout=subprocess.PIPE, text=True) for name in "ab"]
    assert [process.communicate()[0].strip() for process in both] == ["", ""]
    assert sorted(lines(tmp_path / "a.db")) == sorted(f"{name}{n}" for name in "ab" for n in range(100))


async def test_half_characters_hold_nobody_up(tmp_path: Path) -> None:
    database = opened(tmp_path / "a.db")
    database.put(ADD, ("one\ud800",))
    database.put(ADD, ("two",))
    await database.flush()
    assert (lines(database.path), database.broken) == (["one?", "two"], "")
    database.close()


async def test_whatever_goes_wrong_breaks_it_and_holds_nobody_up(tmp_path: Path) -> None:
    database = opened(tmp_path / "a.db")
    database.put(ADD, (object(), "and one too many"))
    await database.flush()
    assert database.broken
    database.close()
