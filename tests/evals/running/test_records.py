"""What an eval has paid for, in the journal: there for the next process, wherever this one was cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fusion_graph.evals.running.evaluation import Grid, Row, evaluate
from fusion_graph.evals.running.records import Records
from fusion_graph.evals.task import Criterion, Task
from fusion_graph.messages import Call
from fusion_graph.providers.sim import Script
from fusion_graph.store.database import reading
from fusion_graph.store.history import read_run
from fusion_graph.store.journal import FILE, Journal
from fusion_graph.store.listing import RunLine, list_all, list_runs
from fusion_graph.store.series import Series, take_up
from fusion_graph.store.tables import JOURNAL
from tests.evals.desk import Bench, virtually
from tests.evals.running.test_evaluation import ARMS, TASKS, grid, right
from tests.evals.running.test_judging import word

RUBRIC = (Task(id="r", prompt="What is 1?", criteria=(Criterion(id="c", weight=1, requirement="Is right."),)),)


@contextmanager
def book(folder: Path, *, again: bool = False) -> Iterator[Records]:
    """Of a process of its own."""
    journal = Journal(folder)
    series = take_up(journal, "eval", "last") if again else Series(journal=journal, command="eval", title="made")
    try:
        yield Records(series)
    finally:
        series.end("ok")
        journal.close()


def play(
    folder: Path, script: Script, wanted: Grid, judge: Script | None = None, **more: Any
) -> tuple[list[Row], Bench]:
    async def main() -> tuple[list[Row], Bench]:
        bench = Bench(script, judge, book=records)
        return await evaluate(wanted, bench.desk(bench.judge() if judge else None)), bench

    with book(folder, **more) as records:
        return virtually(main())


def lines(folder: Path) -> list[RunLine]:
    with reading(folder / FILE, JOURNAL) as connection:
        return list_runs(connection, most=99, apart=True)


def test_a_resumed_eval_pays_nothing_twice(tmp_path: Path) -> None:
    wanted = grid(tasks=RUBRIC, protocol="openrouter")
    rows, first = play(tmp_path, {"*": right}, wanted, {"*": word("MET")})
    assert (len(first.models.received), len(first.judges.received)) == (3, 1)
    resumed, again = play(tmp_path, {}, wanted, {"*": word("UNMET")}, again=True)
    assert (again.models.received, again.judges.received) == ([], [])
    assert resumed == rows


def test_every_run_of_an_arm_and_every_call_of_a_judge_is_a_run(tmp_path: Path) -> None:
    play(tmp_path, {"*": right}, grid(tasks=RUBRIC, protocol="openrouter"), {"*": word("MET")})
    found = lines(tmp_path)
    assert sorted(line.command for line in found) == ["eval"] * 3 + ["judge"]
    with reading(tmp_path / FILE, JOURNAL) as connection:
        (line,) = list_all(connection, most=9)
        attempts = [a for one in found for a in read_run(connection, one.id).attempts]
    assert (line.runs, line.command, line.pipeline, line.attempts) == (4, "eval", "made", 6)
    assert line.cost_usd == pytest.approx(sum(one.cost_usd or 0.0 for one in found))
    free = [a for a in attempts if a.reason == "shared"]  # the panel's drafts, which its members alone have paid for
    assert [(a.cost_usd, a.prompt_tokens) for a in free] == [(0.0, 0)] * 2
    assert all(a.cost_usd for a in attempts if a.reason != "shared")


@pytest.mark.parametrize("after", range(1, 6))
def test_cut_off_after_any_call_it_repays_none_that_was_answered(after: int, tmp_path: Path) -> None:
    """As if the process was gone: nobody ends anything."""
    wanted = grid(ARMS, TASKS[:2])
    journal = Journal(tmp_path)

    async def main() -> int:
        answered = 0

        def counts(call: Call) -> str:
            nonlocal answered
            answered += 1
            if answered > after:
                stop.set()
                raise asyncio.CancelledError
            return right(call)

        stop = asyncio.Event()
        bench = Bench({"*": counts}, book=Records(Series(journal=journal, command="eval")))
        work = asyncio.create_task(evaluate(wanted, bench.desk()))
        await asyncio.wait([work, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
        work.cancel()
        await asyncio.wait([work])
        return after

    bought = virtually(main())
    journal.close()
    set_owner(tmp_path)
    rows, again = play(tmp_path, {"*": right}, wanted, again=True)
    assert {row.score.score for row in rows} == {100}
    assert len(again.models.received) == 6 - bought


def set_owner(folder: Path) -> None:
    """That process is gone."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(folder / FILE)) as writing:
        for table in ("runs", "series"):
            writing.execute(f"UPDATE {table} SET owner = 'here/1/1'")  # noqa: S608
        writing.commit()


def test_a_journal_that_breaks_costs_no_eval(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    journal = Journal(tmp_path / "file")
    records = Records(Series(journal=journal, command="eval"))

    async def main() -> tuple[int, int]:
        bench = Bench({"*": right}, book=records)
        rows = await evaluate(grid(), bench.desk())
        return len(rows), len(bench.models.received)

    assert virtually(main()) == (12, 12)  # and arms share what they share
    assert journal.off
