"""Rows to the table: one line per arm, and what can be said of synthesis, its members and its ceiling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from fusion_graph.evals.arms import Arm, Role
from fusion_graph.evals.protocols.protocol import Headline, Protocol, TaskScore, mean
from fusion_graph.evals.report.statistics import Interval, bootstrap, percentile
from fusion_graph.evals.running.evaluation import Row
from fusion_graph.messages import total_cost

WRONG = 50.0  # below: the text is not right, for beta and ceiling
SAME = 1e-9


class Against(NamedTuple):
    """The answer against the best of its own drafts, over the answers whose drafts all have a score."""

    won: int
    equal: int
    lost: int
    beta: float  # share in which every draft was wrong
    ceiling: float  # what choosing one draft could reach at best: the mean of the best drafts

    @property
    def pairs(self) -> int:
        return self.won + self.equal + self.lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One arm. Money and calls are per task; `delta` is against the best solo (else the first arm), paired by task."""

    arm: str
    role: Role
    headline: Headline
    interval: Interval
    pass_rate: float | None
    cost_usd: float | None
    calls: float
    p50_s: float | None
    p95_s: float | None
    coverage: float
    weight_coverage: float
    answered: int
    endings: Mapping[str, int] = field(default_factory=dict)  # how the others ended
    runs: int
    degraded: int
    simulated: bool
    leaks: int
    mean_without_leaks: float | None
    axes: Mapping[str, float] = field(default_factory=dict)
    domains: Mapping[str, float] = field(default_factory=dict)
    delta: float | None = None
    delta_interval: Interval | None = None
    against: Against | None = None

    @property
    def score(self) -> float | None:
        return self.headline.mean

    @property
    def better(self) -> bool:
        """Above what it is compared with, and the interval says so too."""
        return self.delta is not None and self.delta_interval is not None and self.delta_interval.low > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The whole table, in the order of the arms. `reference` is the arm that deltas are taken against."""

    lines: tuple[Line, ...]
    reference: str
    tasks: int
    planned: int  # answers

    @property
    def simulated(self) -> bool:
        return any(line.simulated for line in self.lines)


def summarise(
    rows: Sequence[Row], arms: Sequence[Arm], protocol: Protocol, scores: Mapping[tuple[str, str], float], planned: int
) -> Summary:
    """`scores`: of every text that was graded, by task and text."""
    by_arm: dict[str, list[Row]] = {arm.name: [] for arm in arms}
    for row in rows:
        by_arm[row.arm].append(row)
    lines = [_line(arm, by_arm[arm.name], protocol, scores) for arm in arms]
    alone = [line for line in lines if line.role == "solo" and line.score is not None]
    best = max(alone, key=lambda line: line.score or 0.0, default=lines[0])
    means = {name: task_means(found) for name, found in by_arm.items()}
    compared = [_compared(line, means[line.arm], means[best.arm], best) for line in lines]
    count = len({row.task for row in rows})
    return Summary(lines=tuple(compared), reference=best.arm, tasks=count, planned=planned)


def task_means(rows: Sequence[Row]) -> dict[str, float]:
    """A task's score is the mean over its runs."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row.score.score is not None:
            found.setdefault(row.task, []).append(row.score.score)
    return {task: sum(scores) / len(scores) for task, scores in found.items()}


def _line(arm: Arm, rows: Sequence[Row], protocol: Protocol, scores: Mapping[tuple[str, str], float]) -> Line:
    answers, graded = [row.answer for row in rows], [row.score for row in rows]
    means, seconds = list(task_means(rows).values()), [answer.seconds for answer in answers]
    cost = total_cost(answer.cost_usd for answer in answers)
    clean = [row for row in rows if not row.leaks]
    return Line(
        arm=arm.name,
        role=arm.role,
        headline=protocol.headline(graded),
        interval=bootstrap(means),
        pass_rate=mean([one.pass_rate for one in graded if one.pass_rate is not None]),
        cost_usd=cost / len(rows) if rows and cost is not None else None,
        calls=mean([float(answer.calls) for answer in answers]) or 0.0,
        p50_s=percentile(seconds, 0.5),
        p95_s=percentile(seconds, 0.95),
        coverage=mean([one.coverage.by_count for one in graded]) or 0.0,
        weight_coverage=mean([one.coverage.by_weight for one in graded]) or 0.0,
        answered=sum(answer.ending == "answered" for answer in answers),
        endings=Counter(answer.ending for answer in answers if answer.ending != "answered"),
        runs=len(rows),
        degraded=sum(bool(answer.degraded) for answer in answers),
        simulated=any(answer.simulated for answer in answers),
        leaks=len(rows) - len(clean),
        mean_without_leaks=protocol.headline([row.score for row in clean]).mean,
        axes=_axes(graded),
        domains=_domains(rows),
        against=_against(rows, scores),
    )


def _axes(graded: Sequence[TaskScore]) -> dict[str, float]:
    names = dict.fromkeys(name for one in graded for name in one.axes)
    return {name: mean([one.axes[name] for one in graded if name in one.axes]) or 0.0 for name in names}


def _domains(rows: Sequence[Row]) -> dict[str, float]:
    names = dict.fromkeys(row.domain for row in rows if row.domain)
    means = {name: list(task_means([row for row in rows if row.domain == name]).values()) for name in names}
    return {name: sum(found) / len(found) for name, found in means.items() if found}


def _against(rows: Sequence[Row], scores: Mapping[tuple[str, str], float]) -> Against | None:
    pairs, every = [], []
    for row in rows:
        drafts = [scores.get((row.task, draft.digest)) for draft in row.drafts]
        known = [score for score in drafts if score is not None]
        if len(known) < 2 or len(known) < len(drafts) or row.score.score is None:
            continue
        pairs.append((row.score.score, max(known)))
        every.append(all(score < WRONG for score in known))
    if not pairs:
        return None
    won = sum(score > best + SAME for score, best in pairs)
    lost = sum(score < best - SAME for score, best in pairs)
    best = [best for _, best in pairs]
    return Against(won, len(pairs) - won - lost, lost, sum(every) / len(every), sum(best) / len(best))


def _compared(line: Line, own: Mapping[str, float], other: Mapping[str, float], best: Line) -> Line:
    """Paired: over the tasks that both have."""
    if line is best:
        return line
    pairs = [own[task] - other[task] for task in own if task in other]
    if not pairs:
        return line
    return replace(line, delta=sum(pairs) / len(pairs), delta_interval=bootstrap(pairs))


def front(lines: Sequence[Line], price: str = "cost_usd") -> list[Line]:
    """The lines that no other beats in score at the same or a lower price; cheapest first. `price`: `cost_usd` or
    `p50_s`."""
    known = [line for line in lines if line.score is not None and getattr(line, price) is not None]
    found: list[Line] = []
    for line in sorted(known, key=lambda one: (getattr(one, price), -(one.score or 0.0))):
        if not found or (line.score or 0.0) > (found[-1].score or 0.0):
            found.append(line)
    return found
