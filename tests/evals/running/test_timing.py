"""An answer's own time: as if it had run alone, whoever made its calls."""

from __future__ import annotations

from dataclasses import replace

from fusion_graph.evals.running.evaluation import Row
from fusion_graph.evals.running.timing import play_again, timed
from tests.evals.desk import Bench
from tests.evals.running.test_evaluation import ARMS, TASKS, grid, play

SLOW = {"a/x": (3.0, "1"), "b/y": (1.0, "1"), "c/z": (2.0, "1")}
BY_NAME, BY_TASK = {arm.name: arm for arm in ARMS}, {task.id: task for task in TASKS}


def played() -> tuple[list[Row], Bench]:
    return play(SLOW, grid(tasks=TASKS[:1]))


def test_shared_calls_count_in_full() -> None:
    rows, bench = played()
    assert [row.answer.seconds for row in rows] == [3.0, 1.0, 5.0]
    forgotten = [replace(row, answer=replace(row.answer, seconds=0.0)) for row in rows]
    found = timed(forgotten, BY_NAME, BY_TASK, bench.records(), bench.book)
    assert [row.answer.seconds for row in found] == [3.0, 1.0, 5.0]
    assert len(bench.models.received) == 3


def test_without_a_record_the_time_stays() -> None:
    rows, _ = played()
    empty = Bench({})
    assert timed(rows, BY_NAME, BY_TASK, empty.records(), empty.book) == rows
    assert not play_again(ARMS[2], TASKS[0], 0, empty.records(), empty.book).whole
