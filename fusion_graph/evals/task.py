"""What an eval is asked: tasks with weighted criteria or one exact answer, and the set they came in. Pure values."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fusion_graph.pipeline import Extract


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One requirement a judge decides. Only the sign of `weight` makes it negative: then MET means that the error is
    there."""

    id: str
    weight: float
    requirement: str
    section: str = ""  # the axis it counts for

    @property
    def negative(self) -> bool:
        return self.weight < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One question. Either `criteria` or `answer` says what is right."""

    id: str
    prompt: str
    domain: str = ""
    criteria: tuple[Criterion, ...] = ()
    answer: str | None = None
    extract: Extract | None = None  # how an exact answer is read from a text


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSet:
    """A file of tasks, in its order. `sha256` is the file's, so that a figure names its data; `total` counts the tasks
    of the file, of which a subset may be left."""

    name: str
    form: str  # yaml, draco, manifest or exact
    sha256: str
    tasks: tuple[Task, ...]
    total: int

    @property
    def exact(self) -> bool:
        """Every task has an answer, so no judge is needed."""
        return all(task.answer is not None for task in self.tasks)

    @property
    def public(self) -> bool:
        """A benchmark that the web knows."""
        return self.form in ("draco", "manifest")

    @property
    def subset(self) -> bool:
        return len(self.tasks) < self.total

    def first(self, count: int | None) -> TaskSet:
        """The first tasks of the set."""
        return self if count is None else replace(self, tasks=self.tasks[:count])
