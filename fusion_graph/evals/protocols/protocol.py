"""What a grading protocol is: what a judge is shown, how its reply is read, and how passes make a task and tasks make a
headline. All of it pure; asking judges is `grading`'s work."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from fusion_graph.evals.protocols.scoring import PassScore, Verdict
from fusion_graph.evals.task import Criterion, Task
from fusion_graph.messages import Message

Ending = Literal["answered", "refused", "unfinished", "wrong_panel", "transport"]
"""How a text came about. transport: a call failed on its way, so nothing can be said of the pipeline; the others but
`answered` are the pipeline's own failures."""

TaskState = Literal["ok", "partial", "unscored", "failed"]


class Coverage(NamedTuple):
    """Shares of the criteria with a verdict, over all passes, usable or not."""

    by_count: float
    by_weight: float


COVERED = Coverage(1.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskScore:
    """One text of one task. `score` is None where the protocol gives none; `sd` is over its passes."""

    score: float | None
    state: TaskState
    pass_rate: float | None = None
    sd: float | None = None
    passes: tuple[float | None, ...] = ()  # in order; None: unscored
    axes: Mapping[str, float] = field(default_factory=dict)
    coverage: Coverage = COVERED


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """A benchmark's figure. `complete`: every planned task and pass is in it. `judge_noise`: the mean of the tasks'
    own SDs, where the protocol has it."""

    mean: float | None
    sd: float | None
    scored: int
    planned: int
    complete: bool
    judge_noise: float | None = None
    correct: float | None = None  # share of tasks at 50 or more


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """`judge` is its own default. `attempts`: tries of one verdict. `prompt` makes the messages of one criterion;
    `read` a verdict of a reply. A protocol without a judge has neither."""

    name: str
    summary: str
    judge: str = ""
    temperature: float | None = None
    effort: str | None = None
    passes: int = 1
    attempts: int = 1
    grades: frozenset[Ending] = frozenset(("answered",))  # texts of which kind are shown to a judge
    shows_sign: bool = False
    sd: str = ""  # how its SD is taken, for the report
    prompt: Callable[[Task, Criterion, str], tuple[Message, ...]] | None = None
    template: str = ""  # the prompt's fixed text; its hash names the variant
    response_format: Mapping[str, Any] | None = None
    read: Callable[[str], Verdict] | None = None
    task: Callable[[Ending, Sequence[PassScore]], TaskScore]
    headline: Callable[[Sequence[TaskScore]], Headline]


def fenced(response: str) -> str:
    """The response between marks that it cannot close: they hold a digest of it, so no text can know them."""
    mark = hashlib.sha256(response.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"<response {mark}>\n{response}\n</response {mark}>"


def mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def score_passes(
    usable: Sequence[PassScore], passes: Sequence[PassScore], sd: Callable[[list[float]], float | None]
) -> TaskScore:
    """A task's score from those of its passes that are usable, at least one; the others are unscored."""
    scores = [one.normalized for one in usable if one.normalized is not None]
    return TaskScore(
        score=mean(scores),
        state="ok" if len(usable) == len(passes) else "partial",
        pass_rate=mean([one.pass_rate for one in usable if one.pass_rate is not None]),
        sd=sd(scores),
        passes=tuple(one.normalized if one in usable else None for one in passes),
        axes=mean_axes(usable),
        coverage=coverage(passes),
    )


def sample_sd(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None


def mean_axes(passes: Sequence[PassScore]) -> dict[str, float]:
    """Each axis over the passes that have it."""
    names = dict.fromkeys(name for one in passes for name in one.axes)
    return {
        name: sum(found) / len(found) for name in names if (found := [p.axes[name] for p in passes if name in p.axes])
    }


def coverage(passes: Sequence[PassScore]) -> Coverage:
    total = sum(one.total for one in passes)
    graded = sum(one.graded for one in passes)
    return Coverage(graded / total if total else 0.0, mean([one.weight_coverage for one in passes]) or 0.0)
