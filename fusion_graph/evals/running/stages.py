"""What an eval has paid for, by stage: replies of models, answers of pipelines, verdicts of judges. A killed eval
goes on from here; a new judge finds the answers, a failed call alone is asked again.

`Stages` is all the rest of the package knows of it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any, Literal, Protocol

from fusion_graph.errors import UsageError

Stage = Literal["reply", "answer", "verdict", "note"]
FORMAT = 1


class Stages(Protocol):
    """Values are plain JSON maps. What `put` has returned from outlives the process."""

    def get(self, stage: Stage, key: str) -> dict[str, Any] | None: ...

    def put(self, stage: Stage, key: str, value: dict[str, Any]) -> None: ...


class SqliteStages:
    """In one file, or in memory. Committed at each put: a process that is killed loses what was in flight only."""

    def __init__(self, path: str | Path = ":memory:") -> None:
        """Raises UsageError for a file that is no store of ours."""
        try:
            if isinstance(path, Path):  # its owner's alone: prompts and answers stand in it
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(str(path), isolation_level=None, timeout=30)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version not in (0, FORMAT):
                raise UsageError(f"{path} is of another version", hint="name another file with --resume")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS stages (stage TEXT, key TEXT, value TEXT, PRIMARY KEY (stage, key))"
                " WITHOUT ROWID"
            )
            self._db.execute(f"PRAGMA user_version={FORMAT}")
        except (sqlite3.Error, OSError) as fault:
            raise UsageError(f"{path} cannot be used as a store: {fault}", hint="name another file") from fault

    def get(self, stage: Stage, key: str) -> dict[str, Any] | None:
        row = self._db.execute("SELECT value FROM stages WHERE stage = ? AND key = ?", (stage, key)).fetchone()
        found: dict[str, Any] | None = json.loads(row[0]) if row else None
        return found

    def put(self, stage: Stage, key: str, value: dict[str, Any]) -> None:
        text = json.dumps(value, ensure_ascii=True, allow_nan=False)
        self._db.execute("INSERT OR REPLACE INTO stages VALUES (?, ?, ?)", (stage, key, text))

    def count(self, stage: Stage) -> int:
        found: int = self._db.execute("SELECT count(*) FROM stages WHERE stage = ?", (stage,)).fetchone()[0]
        return found

    def close(self) -> None:
        self._db.close()
