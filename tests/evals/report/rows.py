"""A small report made by hand: two solos, a panel and a baseline on four tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fusion_graph.evals.arms import Arm, ab, baseline
from fusion_graph.evals.hygiene.leaks import Leak
from fusion_graph.evals.protocols import PROTOCOLS
from fusion_graph.evals.protocols.protocol import TaskScore
from fusion_graph.evals.report.document import Report
from fusion_graph.evals.report.statistics import Interval
from fusion_graph.evals.report.summary import summarise
from fusion_graph.evals.running.evaluation import DraftRef, Row
from fusion_graph.evals.running.generation import Answer
from fusion_graph.evals.running.leaving import Without
from fusion_graph.evals.task import Task, TaskSet
from tests.evals.desk import PANEL, bound, load

SHAPES = ab(load(PANEL), {}, bound)
ARMS = [*SHAPES, baseline(SHAPES[0], 3, load, bound, exact=True)]
SCORES: Mapping[str, Sequence[float]] = {
    "a/x (solo)": (100, 0, 0, 100),
    "b/y (solo)": (100, 0, 0, 0),
    "panel": (100, 0, 100, 0),
    "a/x x3 (vote)": (100, 0, 0, 100),
}
COST = {"a/x (solo)": 0.001, "b/y (solo)": 0.002, "panel": 0.1, "a/x x3 (vote)": 0.003}
TASKS = tuple(Task(id=f"t{n}", prompt="p", answer="1") for n in range(8))
GRADED = {(f"t{n}", f"{arm}{n}"): float(score) for arm, row in SCORES.items() for n, score in enumerate(row)}


def row(arm: str, number: int, score: float | None, **more: Any) -> Row:
    drafts = [DraftRef(name, f"{name} (solo){number}") for name in ("a/x", "b/y")] if arm == "panel" else []
    answer = Answer(
        text="", ending="answered", cost_usd=COST[arm], calls=3 if arm == "panel" else 1, seconds=float(number + 1)
    )
    made = Row(
        arm=arm,
        task=f"t{number}",
        domain="law" if number % 2 else "art",
        run=0,
        score=TaskScore(score=score, state="ok" if score is not None else "unscored", axes={"facts": score or 0.0}),
        answer=answer,
        digest=f"{arm}{number}",
        drafts=tuple(drafts),
    )
    return replace(made, **more)


ROWS = [row(arm, number, score) for arm, scores in SCORES.items() for number, score in enumerate(scores)]


def report(rows: Sequence[Row] = ROWS, arms: Sequence[Arm] = ARMS, **more: Any) -> Report:
    made = Report(
        summary=summarise(rows, arms, PROTOCOLS["exact"], GRADED, 16),
        protocol=PROTOCOLS["exact"],
        judging=None,
        tasks=TaskSet(name="made <up>", form="exact", sha256="0" * 64, tasks=TASKS, total=8),
        runs=1,
        simulated=False,
        prices_date="2026-11-28",
        spent_usd=0.5,
        calls=24,
        journal="abc",
        without=(Without("panel", "a/x", -25.0, Interval(-75.0, 0.0), 4),),
        panels=("panel",),
    )
    return replace(made, **more)


def many(count: int) -> Report:
    """So many arms that the legend is longer than the plot."""
    arms = [replace(SHAPES[0], name=f"arm {n}") for n in range(count)]
    return report([replace(ROWS[0], arm=arm.name) for arm in arms], arms)


LEAKY = [replace(ROWS[0], leaks=(Leak("name", "pplx-draco"),)), *ROWS[1:]]
