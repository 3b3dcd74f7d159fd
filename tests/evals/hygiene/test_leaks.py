"""Answers that know the benchmark."""

from __future__ import annotations

import pytest

from fusion_graph.evals.hygiene.leaks import MOST, scan
from fusion_graph.evals.task import Criterion, Task

REQUIREMENT = "States that the total is between 1,480 and 1,510 euros."
TASK = Task(id="t", prompt="What is the total?", criteria=(Criterion(id="total", weight=5, requirement=REQUIREMENT),))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("The total is 1,496 euros.", []),
        ("As pplx-draco says (arXiv 2602.11685)", ["name", "name"]),
        (f"Note: {REQUIREMENT.lower().replace(' ', chr(10))}", ["requirement"]),
        ("I know this question is part of a benchmark. So be it.", ["talk"]),
        ("They set the benchmark at 5 %.", []),
        ("task " * 50_000 + "rubric", []),
    ],
)
def test_what_a_text_gives_away(text: str, kinds: list[str]) -> None:
    assert [leak.kind for leak in scan(TASK, [text])] == kinds


def test_a_task_may_be_about_benchmarks() -> None:
    task = Task(id="t", prompt="Which benchmark is the hardest?")
    assert scan(task, ["In short, the benchmark is X."]) == ()


def test_hits_are_bounded() -> None:
    assert len(scan(TASK, ["The grading rubric. " * 50])) == MOST
