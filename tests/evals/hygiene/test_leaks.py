"""Answers that know the benchmark, and addresses that hold it."""

from __future__ import annotations

from typing import Literal

import pytest

from fusion_graph.evals.hygiene.leaks import MOST, is_blocked, scan
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


@pytest.mark.parametrize(
    ("url", "level", "blocked"),
    [
        ("https://arxiv.org/abs/2602.11685v2", "urls", True),
        ("http://www.arxiv.org/pdf/2602.11685.pdf", "urls", True),
        ("arxiv.org/html/2602.11685", "urls", True),
        ("https://arxiv.org/abs/2601.00001", "urls", False),
        ("https://arxiv.org/abs/2601.00001", "hosts", True),
        ("https://huggingface.co/datasets/perplexity-ai/draco/tree/main", "urls", True),
        ("https://huggingface.co/datasets/perplexity-ai/draconian", "urls", False),
        ("https://cdn.hf.co/x", "hosts", True),
        ("https://nothf.co/x", "hosts", False),
    ],
)
def test_blocked_addresses(url: str, level: Literal["urls", "hosts"], blocked: bool) -> None:
    assert is_blocked(url, level) == blocked
