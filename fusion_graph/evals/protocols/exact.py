"""Answers that are right or wrong: extracted and compared in code, no judge asked, 100 or 0."""

from __future__ import annotations

from collections.abc import Sequence

from fusion_graph.evals.protocols.protocol import Ending, Headline, Protocol, TaskScore, coverage, mean, sample_sd
from fusion_graph.evals.protocols.scoring import PassScore
from fusion_graph.evals.task import Task
from fusion_graph.graph.answers import extract

TRIMMED = " \t.*\"'`"


def is_right(task: Task, text: str) -> bool:
    """What the task's rule finds is its answer. Case, outer space and marks around it do not matter; numbers are
    compared in one spelling. Nothing found is not right."""
    assert task.answer is not None
    found = extract(task.extract, text) if task.extract else text
    return found is not None and _plain(found) == _plain(_same_spelling(task, task.answer))


def _same_spelling(task: Task, answer: str) -> str:
    return (extract(task.extract, answer) or answer) if task.extract and task.extract.last_number else answer


def _plain(text: str) -> str:
    return " ".join(text.strip(TRIMMED).casefold().split())


def grade(task: Task, text: str) -> PassScore:
    """One pass: a single criterion of weight 1."""
    right = is_right(task, text)
    score = 100.0 * right
    return PassScore(
        raw=float(right), positive=1.0, normalized=score, pass_rate=score, graded=1, total=1, weight_coverage=1.0
    )


def task(ending: Ending, passes: Sequence[PassScore]) -> TaskScore:
    """A pipeline's own failure is a wrong answer; a call that was lost has no score."""
    if ending == "transport":
        return TaskScore(score=None, state="unscored", coverage=coverage([]))
    scores = [one.normalized for one in passes if one.normalized is not None]
    if not scores:
        return TaskScore(score=0.0, state="failed", pass_rate=0.0)
    return TaskScore(score=mean(scores), state="ok", pass_rate=mean(scores), passes=tuple(scores))


def headline(tasks: Sequence[TaskScore]) -> Headline:
    scores = [one.score for one in tasks if one.score is not None]
    return Headline(
        mean=mean(scores),
        sd=sample_sd(scores),
        scored=len(scores),
        planned=len(tasks),
        complete=len(scores) == len(tasks),
        correct=sum(score >= 50 for score in scores) / len(scores) if scores else None,
    )


PROTOCOL = Protocol(
    name="exact",
    summary="one right answer, found by an extractor and compared in code",
    grades=frozenset(("answered", "refused", "unfinished", "wrong_panel")),
    sd="sample SD over the tasks",
    task=task,
    headline=headline,
)
