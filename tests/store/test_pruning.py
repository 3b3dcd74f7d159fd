"""What goes, and that nothing of it stays behind."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from sqlite3 import Connection

import pytest

from fusion_graph.messages import Message
from fusion_graph.store.database import connect
from fusion_graph.store.journal import FILE, Journal
from fusion_graph.store.owner import me
from fusion_graph.store.pruning import Forgotten, prune
from tests.engine.stage import Stage
from tests.store.keeping import past_of, written
from tests.store.test_series import made

RUNS = ("a" * 16, "b" * 16, "c" * 16)
MUCH = 1 << 40


async def three(folder: Path) -> Connection:
    """Three runs, begun at 1, 2 and 3."""
    for at, run in enumerate(RUNS, 1):
        await written(Stage({"*": f"{run} " * 4_000}), folder, run=run)
        with closing(connect(folder / FILE)) as connection:
            connection.execute("UPDATE runs SET began = ? WHERE id = ?", (at, run))
    return connect(folder / FILE)


def left(connection: Connection) -> tuple[str, ...]:
    return tuple(row[0] for row in connection.execute("SELECT id FROM runs ORDER BY began"))


async def test_old_runs_go_with_all_that_was_theirs(tmp_path: Path) -> None:
    with closing(await three(tmp_path)) as connection:
        assert prune(connection, before=3, max_bytes=MUCH).runs == 2
        assert left(connection) == RUNS[2:]
        for table in ("node_runs", "attempts"):
            assert {row[0] for row in connection.execute(f"SELECT run FROM {table}")} == {RUNS[2]}  # noqa: S608
        bodies = [row[0] for row in connection.execute("SELECT body FROM blobs")]
        assert not [body for body in bodies if RUNS[0] in body or RUNS[1] in body]


async def test_oldest_go_until_it_is_small_enough(tmp_path: Path) -> None:
    with closing(await three(tmp_path)) as connection:
        (pages,) = connection.execute("SELECT (page_count - freelist_count) * page_size FROM pragma_page_count,"
                                      " pragma_freelist_count, pragma_page_size").fetchone()  # fmt: skip
        assert prune(connection, before=0, max_bytes=pages - 1).runs == 1
        assert left(connection) == RUNS[1:]


async def test_running_one_is_never_forgotten(tmp_path: Path) -> None:
    with closing(await three(tmp_path)) as connection:
        connection.execute("UPDATE runs SET state = 'running', owner = ? WHERE id = ?", (me(), RUNS[0]))
        assert prune(connection, before=9, max_bytes=1).runs == 2
        assert left(connection) == RUNS[:1]


async def test_run_of_a_process_that_was_killed_is_forgotten_like_any_other(tmp_path: Path) -> None:
    with closing(await three(tmp_path)) as connection:
        connection.execute("UPDATE runs SET state = 'running', owner = 'here/1/1' WHERE id = ?", (RUNS[0],))
        assert prune(connection, before=2, max_bytes=MUCH).runs == 1
        assert left(connection) == RUNS[1:]


@pytest.mark.parametrize("most", [0, MUCH])
def test_empty_journal_has_nothing_to_forget(most: int, tmp_path: Path) -> None:
    from fusion_graph.store.database import migrate
    from fusion_graph.store.tables import JOURNAL

    with closing(connect(tmp_path / FILE)) as connection:
        migrate(connection, JOURNAL, tmp_path / FILE)
        assert prune(connection, before=9, max_bytes=most).runs == 0


async def test_a_series_goes_as_a_whole_and_the_newest_stays(tmp_path: Path) -> None:
    series = await made(tmp_path)
    with closing(await three(tmp_path)) as connection:
        connection.execute("UPDATE series SET tried = 2.5")
        connection.execute("UPDATE runs SET began = 0 WHERE series IS NOT NULL")
        assert prune(connection, before=2.2, max_bytes=MUCH) == Forgotten(runs=2)  # its runs are as young as it is
        assert len(left(connection)) == 3
        gone = prune(connection, before=0, max_bytes=0)
        assert (gone.runs, gone.of_series, gone.series) == (2, 2, {"eval": 1})
        assert left(connection) == RUNS[2:]
        for table, column in (("series", "id"), ("lines", "series"), ("attempts", "run")):
            found = {row[0] for row in connection.execute(f"SELECT {column} FROM {table}")}  # noqa: S608
            assert found <= {RUNS[2]}
            assert series.id not in found


async def test_what_others_place_meanwhile_stays(tmp_path: Path) -> None:
    """A text and the row that refers to it are written in one transaction, or a sweep could come between them."""
    with closing(await three(tmp_path)) as connection:
        journal = Journal(tmp_path)
        digest = journal.place("a document")
        await journal.flush()
        prune(connection, before=3, max_bytes=MUCH)
        journal.put("UPDATE runs SET document = ? WHERE id = ?", (digest, RUNS[2]))
        journal.close()
        assert not journal.off
        assert connection.execute("SELECT body FROM blobs WHERE digest = ?", (digest,)).fetchone() == ("a document",)


async def test_a_conversation_stays_while_a_later_one_begins_with_it(tmp_path: Path) -> None:
    said = [Message("user", f"message {n}") for n in range(6)]
    for at, (run, length) in enumerate(zip(RUNS, (2, 4, 6), strict=True), 1):
        await written(Stage(), tmp_path, run=run, asked=tuple(said[:length]))
        with closing(connect(tmp_path / FILE)) as connection:
            connection.execute("UPDATE runs SET began = ? WHERE id = ?", (at, run))
    with closing(connect(tmp_path / FILE)) as connection:
        prune(connection, before=3, max_bytes=MUCH)
    assert past_of(tmp_path, RUNS[2]).messages == tuple(said)
    with closing(connect(tmp_path / FILE)) as connection:
        connection.execute("UPDATE runs SET began = 9 WHERE id = ?", (RUNS[2],))
        await written(Stage(), tmp_path, run="d" * 16, asked=(Message("user", "another one"),))
        prune(connection, before=10, max_bytes=MUCH)
        bodies = [row[0] for row in connection.execute("SELECT body FROM blobs")]
    assert not [body for body in bodies if not body or "message" in body.partition('"content": ')[2]]
