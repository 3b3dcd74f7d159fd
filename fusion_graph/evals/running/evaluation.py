"""The work of an eval: every arm on every task, as often as asked, answers and verdicts from the records where they
are there. What stays in memory is a row of figures per answer; texts are in the journal."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from fusion_graph.evals.arms import Arm
from fusion_graph.evals.hygiene.leaks import Leak, scan
from fusion_graph.evals.protocols.exact import grade as grade_exactly
from fusion_graph.evals.protocols.protocol import Ending, Protocol, TaskScore
from fusion_graph.evals.protocols.scoring import PassScore
from fusion_graph.evals.running.generation import Answer, answer_id, from_document, generate
from fusion_graph.evals.running.judging import Judge, OutOfBudget
from fusion_graph.evals.running.purse import Purse
from fusion_graph.evals.running.records import Records
from fusion_graph.evals.task import Task, TaskSet

if TYPE_CHECKING:
    from fusion_graph.engine.fusion import Fusion


class DraftRef(NamedTuple):
    """A draft of the panel, by its text."""

    model: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One answer in figures."""

    arm: str
    task: str
    domain: str
    run: int
    score: TaskScore
    answer: Answer  # without its texts
    digest: str
    drafts: tuple[DraftRef, ...] = ()
    leaks: tuple[Leak, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What is to be filled: every arm on every task, so many times. `grade_drafts`: also those that no arm gives as its
    answer; exact answers always are."""

    arms: Sequence[Arm]
    tasks: TaskSet
    protocol: Protocol
    runs: int = 1
    grade_drafts: bool = False
    at_once: int = 8

    def cells(self) -> Iterator[tuple[Task, int, Arm]]:
        """Task by task, so that arms that share calls ask at the same time."""
        return ((task, run, arm) for task in self.tasks.tasks for run in range(self.runs) for arm in self.arms)

    @property
    def size(self) -> int:
        return len(self.tasks.tasks) * self.runs * len(self.arms)


@dataclass(slots=True, kw_only=True)
class Desk:
    """What it is done with. `live`: what is not recorded is asked. `scores` has the score of every text that was
    graded, by task and text."""

    fusion: Fusion
    judge: Judge | None
    records: Records
    purse: Purse
    simulated: bool = False
    live: bool = True
    scores: dict[tuple[str, str], float] = field(default_factory=dict)


Told = Callable[[Row], None]


async def evaluate(grid: Grid, desk: Desk, told: Told = lambda _row: None) -> list[Row]:
    """A row per answer, in the order of the cells. Cells that the budget has no room for are not there."""
    cells = enumerate(grid.cells())
    found: dict[int, Row] = {}

    async def work() -> None:
        for place, (task, run, arm) in cells:
            if desk.purse.empty:
                return
            row = await _cell(grid, desk, task, run, arm)
            if row is not None:
                found[place] = row
                told(row)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(grid.at_once, grid.size)):
                group.create_task(work())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    await desk.records.series.flush()
    return [found[place] for place in sorted(found)]


async def _cell(grid: Grid, desk: Desk, task: Task, run: int, arm: Arm) -> Row | None:
    answer = await _answer(desk, task, run, arm)
    if not answer.whole:
        return None
    try:
        passes = await _grade(grid, desk, task, answer)
        score = grid.protocol.task(_ending(grid, answer), passes)
        digest = _remember(desk, task, answer.text, score)
        drafts = [await _draft(grid, desk, task, draft.model, draft.text) for draft in answer.drafts]
    except OutOfBudget:
        return None
    texts = (answer.text, *(draft.text for draft in answer.drafts))
    return Row(
        arm=arm.name,
        task=task.id,
        domain=task.domain,
        run=run,
        score=score,
        answer=_without_texts(answer),
        digest=digest,
        drafts=tuple(drafts),
        leaks=scan(task, texts),
    )


async def _answer(desk: Desk, task: Task, run: int, arm: Arm) -> Answer:
    """The stored one, else the arm's. One of which a call was lost is run again when the eval is resumed; its other
    calls are recorded."""
    told = desk.records.concluded(answer_id(desk.records, arm, task, run))
    kept = from_document(told) if told is not None else None
    if kept is not None:
        return kept
    return await generate(arm, task, run, desk.fusion, desk.records, simulated=desk.simulated, live=desk.live)


async def _grade(grid: Grid, desk: Desk, task: Task, answer: Answer) -> list[PassScore]:
    if answer.ending not in grid.protocol.grades or not answer.text.strip():
        return []
    return await _passes(desk, task, answer.text)


def _ending(grid: Grid, answer: Answer) -> Ending:
    """A panel that is short of a member because of an outage says as little of the pipeline as a lost answer."""
    outage = answer.lost and answer.ending == "wrong_panel" and "wrong_panel" not in grid.protocol.grades
    return "transport" if outage else answer.ending


async def _passes(desk: Desk, task: Task, text: str) -> list[PassScore]:
    if task.answer is not None:
        return [grade_exactly(task, text)]
    assert desk.judge is not None
    return await desk.judge.grade(task, text)


async def _draft(grid: Grid, desk: Desk, task: Task, model: str, text: str) -> DraftRef:
    digest = text_digest(text)
    if (task.id, digest) not in desk.scores and (grid.grade_drafts or task.answer is not None):
        _remember(desk, task, text, grid.protocol.task("answered", await _passes(desk, task, text)))
    return DraftRef(model, digest)


def _remember(desk: Desk, task: Task, text: str, score: TaskScore) -> str:
    digest = text_digest(text)
    if score.score is not None and text:
        desk.scores[task.id, digest] = score.score
    return digest


def text_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _without_texts(answer: Answer) -> Answer:
    return replace(answer, text="", drafts=())
