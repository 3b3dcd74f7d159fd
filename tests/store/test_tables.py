"""The tables can be made."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from fusion_graph.store.database import Schema, connect, migrate, reading
from fusion_graph.store.journal import FILE
from fusion_graph.store.listing import list_all
from fusion_graph.store.tables import CACHE, JOURNAL
from tests.engine.stage import Stage
from tests.store.keeping import gone_on, written


@pytest.mark.parametrize("schema", [JOURNAL, CACHE])
def test_tables_are_made_in_an_empty_file(schema: Schema, tmp_path: Path) -> None:
    connection = connect(tmp_path / "a.db")
    migrate(connection, schema, tmp_path / "a.db")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(schema.steps),)
    connection.close()


def first_version(path: Path) -> None:
    """A journal of the first version with a run in it, as its program wrote it."""
    with closing(connect(path)) as connection:
        migrate(connection, Schema("journal", JOURNAL.steps[:1]), path)
        connection.execute("INSERT INTO blobs VALUES ('s', '{}'), ('m', '[]')")
        connection.execute(
            "INSERT INTO runs (id, pipeline, file, command, source, params, messages, seed, fence, owner, state, began,"
            " tried) VALUES ('aa', 'old', '', 'run', 's', '{}', 'm', NULL, 'f', 'here/1/1', 'ok', 1, 1)"
        )


async def test_a_journal_of_the_first_version_is_brought_forward(tmp_path: Path) -> None:
    first_version(tmp_path / FILE)
    with reading(tmp_path / FILE, JOURNAL) as connection:  # whoever only looks does it too
        assert [(line.id, line.pipeline, line.series) for line in list_all(connection, most=9)] == [("aa", "old", None)]
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(JOURNAL.steps)


async def test_what_writes_brings_it_forward_too(tmp_path: Path) -> None:
    first_version(tmp_path / FILE)
    assert (await written(Stage({"m/w": "done"}), tmp_path)).text == "done"
    stage = Stage()
    assert (await gone_on(stage, tmp_path)).text == "done"
    assert stage.asked == []
    with reading(tmp_path / FILE, JOURNAL) as connection:
        assert len(list_all(connection, most=9)) == 2
