"""Can the judge judge? Two dozen made-up items with known verdicts, half of them negative, before anything is
graded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from fusion_graph.evals.protocols.scoring import Verdict
from fusion_graph.evals.running.judging import Judge
from fusion_graph.evals.task import Criterion, Task

FILE = Path(__file__).parents[1] / "data" / "selftest.json"
ENOUGH = 0.9  # right, on each sign
INVERTED = 0.5  # negatives below this, positives fine: it takes avoiding an error for MET


class Item(NamedTuple):
    """One planted criterion. `truth` is what the protocol calls right."""

    task: Task
    criterion: Criterion
    response: str
    truth: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """Right verdicts of each sign; a missing one is not right."""

    positive_right: int
    positives: int
    negative_right: int
    negatives: int
    wrong: tuple[str, ...] = ()  # kinds of the items that went wrong

    @property
    def result(self) -> Literal["passed", "inverted", "failed"]:
        positive, negative = self.positive_right / self.positives, self.negative_right / self.negatives
        if positive >= ENOUGH and negative >= ENOUGH:
            return "passed"
        return "inverted" if positive >= ENOUGH and negative < INVERTED else "failed"

    @property
    def told(self) -> str:
        counts = (
            f"{self.positive_right}/{self.positives} positive, {self.negative_right}/{self.negatives} negative right"
        )
        return f"judge self-test {self.result}: {counts}"


@cache
def items() -> tuple[Item, ...]:
    made = []
    for number, entry in enumerate(json.loads(FILE.read_text("utf-8"))):
        criterion = Criterion(
            id=entry["kind"], weight=-1.0 if entry["negative"] else 1.0, requirement=entry["requirement"]
        )
        task = Task(id=f"selftest-{number}", prompt=entry["prompt"], criteria=(criterion,))
        made.append(Item(task, criterion, entry["response"], entry["truth"]))
    return tuple(made)


async def examine(judge: Judge) -> SelfTest:
    """Ask for every item once."""
    try:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(judge.verdict(i.task, i.criterion, i.response, 0)) for i in items()]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return count([task.result() for task in asked])


def count(verdicts: Sequence[Verdict]) -> SelfTest:
    """Of verdicts in the order of the items."""
    pairs = list(zip(items(), verdicts, strict=True))
    right = [item for item, verdict in pairs if verdict == item.truth]
    return SelfTest(
        positive_right=sum(not item.criterion.negative for item in right),
        positives=sum(not item.criterion.negative for item in items()),
        negative_right=sum(item.criterion.negative for item in right),
        negatives=sum(item.criterion.negative for item in items()),
        wrong=tuple(item.criterion.id for item, verdict in pairs if verdict != item.truth),
    )
