"""The tables can be made."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph.store.database import Schema, connect, migrate
from fusion_graph.store.tables import CACHE, JOURNAL


@pytest.mark.parametrize("schema", [JOURNAL, CACHE])
def test_tables_are_made_in_an_empty_file(schema: Schema, tmp_path: Path) -> None:
    connection = connect(tmp_path / "a.db")
    migrate(connection, schema, tmp_path / "a.db")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(schema.steps),)
    connection.close()
