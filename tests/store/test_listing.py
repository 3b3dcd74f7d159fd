"""Lines of runs and series, and which of them a name means."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.store.database import reading
from fusion_graph.store.journal import FILE
from fusion_graph.store.listing import find_run, list_runs
from fusion_graph.store.tables import JOURNAL
from tests.engine.stage import Stage
from tests.store.keeping import PANEL, stored, written
from tests.store.test_history import RUNS, three


async def test_newest_come_first(tmp_path: Path) -> None:
    await three(tmp_path)
    with reading(tmp_path / FILE, JOURNAL) as connection:
        found = list_runs(connection, most=2)
        assert [line.id for line in found] == [RUNS[2], RUNS[1]]
        assert (found[0].state, found[0].attempts, found[0].cost_usd, found[0].tries) == ("ok", 4, 0.0, 1)
        assert list_runs(connection, most=9, pipeline="other") == []


@pytest.mark.parametrize(("given", "run"), [("last", RUNS[2]), ("bb", RUNS[2]), ("aa22", RUNS[1]), (RUNS[0], RUNS[0])])
async def test_run_is_found_by_its_beginning(given: str, run: str, tmp_path: Path) -> None:
    await three(tmp_path)
    with reading(tmp_path / FILE, JOURNAL) as connection:
        assert find_run(connection, given) == run


@pytest.mark.parametrize(("given", "why"), [("aa", "several"), ("zz", "no run"), ("%", "no run"), ("'", "no run")])
async def test_other_names_are_told(given: str, why: str, tmp_path: Path) -> None:
    await three(tmp_path)
    with reading(tmp_path / FILE, JOURNAL) as connection, pytest.raises(UsageError, match=why):
        find_run(connection, given)


async def test_run_of_a_process_that_is_gone_is_interrupted(tmp_path: Path) -> None:
    await written(Stage(), tmp_path, PANEL, run=RUNS[0])
    with closing(connect(tmp_path / FILE)) as writing:
        writing.execute("UPDATE runs SET state = 'running', owner = 'here/1/1'")
        writing.commit()
    assert stored(tmp_path, RUNS[0]).line.state == "interrupted"
