"""Exact answers: what counts as the same, and what a failure is worth."""

from __future__ import annotations

import pytest

from fusion_graph.evals.protocols.exact import grade, headline, is_right, task
from fusion_graph.evals.task import Task
from fusion_graph.pipeline import Extract

NUMBER = Task(id="n", prompt="p", answer="1,000", extract=Extract(last_number=True))
WORD = Task(id="w", prompt="p", answer="Diego Velazquez", extract=Extract(regex=r"Answer:\s*(.+)"))


@pytest.mark.parametrize(
    ("asked", "text", "right"),
    [
        (NUMBER, "It is 7, no: 1000.0", True),
        (NUMBER, "It is 1000, no: 7", False),
        (NUMBER, "no idea", False),
        (WORD, "Answer: **diego  velazquez**.", True),
        (WORD, "Diego Velazquez", False),
        (Task(id="p", prompt="p", answer="yes"), " Yes. ", True),
    ],
)
def test_right_answers(asked: Task, text: str, right: bool) -> None:
    assert is_right(asked, text) == right
    assert grade(asked, text).normalized == 100 * right


def test_failures_and_headline() -> None:
    tasks = [task("answered", [grade(NUMBER, "1000")]), task("refused", []), task("transport", [])]
    assert [one.score for one in tasks] == [100, 0, None]
    told = headline(tasks)
    assert (told.mean, told.scored, told.correct, told.complete) == (50, 2, 0.5, False)
