"""Runs as people look at them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from fusion_graph.errors import Transient, UsageError
from fusion_graph.store.database import reading
from fusion_graph.store.history import read_run, reply_of
from fusion_graph.store.journal import FILE
from fusion_graph.store.tables import JOURNAL
from tests.engine.stage import Stage
from tests.store.keeping import PANEL, stored, written

RUNS = ("aa11" * 4, "aa22" * 4, "bb33" * 4)


async def three(folder: Path) -> None:
    for run in RUNS:
        await written(Stage({"m/b": [Transient("upstream_5xx"), "b"], "m/w": "done"}), folder, run=run)


async def test_run_has_its_nodes_attempts_and_replies(tmp_path: Path) -> None:
    await three(tmp_path)
    run = stored(tmp_path, RUNS[0])
    assert {node.node: node.state for node in run.nodes} == dict.fromkeys(
        ("panel/a", "panel/b", "panel", "answer"), "ok"
    )
    assert sorted((a.node, a.attempt, a.state, a.reason) for a in run.attempts) == [
        ("answer", 1, "ok", ""),
        ("panel/a", 1, "ok", ""),
        ("panel/b", 1, "failed", "upstream_5xx"),
        ("panel/b", 2, "ok", ""),
    ]
    with reading(tmp_path / FILE, JOURNAL) as connection:
        assert '"done"' in reply_of(connection, next(a for a in run.attempts if a.node == "answer"))
        assert reply_of(connection, next(a for a in run.attempts if a.state == "failed")) == ""


async def test_spoilt_run_is_a_clear_error(tmp_path: Path) -> None:
    await written(Stage(), tmp_path, PANEL, run=RUNS[0])
    with closing(connect(tmp_path / FILE)) as writing:
        writing.execute("UPDATE node_runs SET chosen = 'x'")
        writing.commit()
    with reading(tmp_path / FILE, JOURNAL) as connection, pytest.raises(UsageError, match="cannot be read"):
        read_run(connection, RUNS[0])
