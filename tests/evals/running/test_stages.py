"""The store of an eval: what was put is there, also for the next process."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.evals.running.stages import SqliteStages


def test_what_was_put_outlives_the_process(tmp_path: Path) -> None:
    first = SqliteStages(tmp_path / "s.db")
    first.put("reply", "k", {"text": "\ud800 é"})
    second = SqliteStages(tmp_path / "s.db")  # the first one never closed, as if it had been killed
    assert second.get("reply", "k") == {"text": "\ud800 é"}
    assert second.get("answer", "k") is None
    assert (second.count("reply"), second.count("verdict")) == (1, 0)
    first.close()
    second.close()


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(UsageError):
        SqliteStages(other)
    with pytest.raises(UsageError):
        SqliteStages(tmp_path / "nowhere" / "s.db")


def test_another_version_is_refused(tmp_path: Path) -> None:
    store = SqliteStages(tmp_path / "s.db")
    store._db.execute("PRAGMA user_version=99")
    store.close()
    with pytest.raises(UsageError, match="another version"):
        SqliteStages(tmp_path / "s.db")
