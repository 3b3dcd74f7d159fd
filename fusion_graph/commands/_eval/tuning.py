"""One search from the command line: rung after rung, what is recorded first, then what must be asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from fusion_graph.commands import _interrupt
from fusion_graph.commands._columns import columns
from fusion_graph.commands._eval.lab import Lab, Place
from fusion_graph.errors import UsageError
from fusion_graph.evals.arms import Arm, named_apart
from fusion_graph.evals.protocols.protocol import Protocol
from fusion_graph.evals.report.summary import Line, front, summarise
from fusion_graph.evals.running.choosing import choose_judge, choose_protocol
from fusion_graph.evals.running.evaluation import Grid, Row, evaluate
from fusion_graph.evals.running.judging import Judging
from fusion_graph.evals.running.timing import timed
from fusion_graph.evals.task import TaskSet
from fusion_graph.evals.taskfiles import load as load_tasks
from fusion_graph.evals.tuning.halving import rungs, survivors
from fusion_graph.evals.tuning.space import Candidate, read_space
from fusion_graph.evals.tuning.writing import pipeline_text
from fusion_graph.figures import seconds, several, usd
from fusion_graph.wiring import pipelines


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was asked for on the command line."""

    place: Place
    tasks: str
    space: str
    out: str = "tuned"
    limit: int | None = None
    protocol: str | None = None
    judge: str | None = None
    passes: int | None = None
    force_judge: bool = False


@dataclass(slots=True, kw_only=True)
class Search:
    """A search while it is made. `lines` are those of the last rung."""

    given: Given
    lab: Lab
    tasks: TaskSet
    protocol: Protocol
    judging: Judging | None
    candidates: dict[str, Candidate]
    arms: list[Arm]
    lines: Sequence[Line] = ()
    rows: Sequence[Row] = ()
    scores: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def summarised(
        self, rows: Sequence[Row], arms: Sequence[Arm], scores: Mapping[tuple[str, str], float]
    ) -> Sequence[Line]:
        return summarise(rows, arms, self.protocol, scores, len(rows)).lines


def perform(given: Given) -> int:
    """Search, write the front, print it. Returns the exit code."""
    tasks = load_tasks(given.tasks).first(given.limit)
    space = _space(given.space)
    folder = Path(given.out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise UsageError(f"{folder} cannot be made: {fault.strerror}", hint="name another --out") from fault
    search = _interrupt.run(_search(given, tasks, space), given.place.loop)
    with search.lab.shown():
        if not search.lab.models.virtual:
            _take_time(search)
        _show(search, folder)
    return search.lab.exit_code(scored=bool(search.lines))


def _space(name: str) -> list[Candidate]:
    try:
        source = Path(name).read_bytes()
    except OSError as fault:
        raise UsageError(f"the space {name} cannot be read: {fault.strerror}", hint="correct the path") from fault
    return read_space(source, name, pipelines.load)


async def _search(given: Given, tasks: TaskSet, space: Sequence[Candidate]) -> Search:
    protocol = choose_protocol(given.protocol, tasks)
    judging = choose_judge(protocol, tasks, given.judge, given.passes)
    lab = await Lab.open(given.place)
    lab.models.guarded = tasks.public
    arms = named_apart(Arm(name=one.name, bound=lab.models.bind(one.pipeline, one.params)) for one in space)
    search = Search(
        given=given,
        lab=lab,
        tasks=tasks,
        protocol=protocol,
        judging=judging,
        candidates={arm.name: one for arm, one in zip(arms, space, strict=True)},
        arms=arms,
    )
    lab.begin(arms, judging)
    async with lab.kept():
        await _climb(search)
    return search


async def _climb(search: Search) -> None:
    """Rung by rung. When the budget ends, the last whole rung stands."""
    lab, arms = search.lab, search.arms
    async with AsyncExitStack() as stack:
        if search.judging is not None:
            judge, engine = lab.judge(search.judging)
            await stack.enter_async_context(engine)
            await lab.check_judge(judge, force=search.given.force_judge)
    sizes = rungs(len(search.tasks.tasks), len(arms))
    for number, size in enumerate(sizes, 1):
        lab.err(f"rung {number} of {len(sizes)}: {several(len(arms), 'shape')} on {several(size, 'task')}")
        rows, scores = await _rung(search, arms, search.tasks.first(size))
        if lab.purse.empty:
            lab.err("the budget ended the search here; the rung before stands")
            return
        search.lines, search.rows, search.scores = search.summarised(rows, arms, scores), rows, scores
        kept = survivors(search.lines) if number < len(sizes) else [arm.name for arm in arms]
        arms = [arm for arm in arms if arm.name in kept]


def _take_time(search: Search) -> None:
    """Each run by itself, from records."""
    lab, by_name, by_task = search.lab, {arm.name: arm for arm in search.arms}, {t.id: t for t in search.tasks.tasks}
    rows = timed(search.rows, by_name, by_task, lab.from_records(search.arms), lab.records)
    arms = [by_name[line.arm] for line in search.lines]
    search.lines = search.summarised(rows, arms, search.scores)


async def _rung(search: Search, arms: Sequence[Arm], tasks: TaskSet) -> tuple[list[Row], dict[tuple[str, str], float]]:
    """All arms on these tasks: from records where they are whole, then live, the cheapest of the rung before first."""
    scores: dict[tuple[str, str], float] = {}
    rows = await _round(search, arms, tasks, scores, live=False)
    done = {arm.name for arm in arms if sum(row.arm == arm.name for row in rows) == len(tasks.tasks)}
    cost = {line.arm: line.cost_usd or 0.0 for line in search.lines}
    rest = sorted((arm for arm in arms if arm.name not in done), key=lambda arm: cost.get(arm.name, 0.0))
    rows = [row for row in rows if row.arm in done]
    for arm in rest:
        if search.lab.purse.empty:
            break
        rows += await _round(search, [arm], tasks, scores, live=True)
    return rows, scores


async def _round(
    search: Search, arms: Sequence[Arm], tasks: TaskSet, scores: dict[tuple[str, str], float], *, live: bool
) -> list[Row]:
    lab = search.lab
    async with AsyncExitStack() as stack:
        judge = None
        if search.judging is not None:
            judge, engine = lab.judge(search.judging, live=live)
            await stack.enter_async_context(engine)
        fusion = await stack.enter_async_context(lab.models.open(arms, lab.door(live=live)))
        grid = Grid(arms=arms, tasks=tasks, protocol=search.protocol, at_once=search.given.place.at_once)
        return await evaluate(grid, lab.desk(fusion, judge, scores, live=live))


def _show(search: Search, folder: Path) -> None:
    """The front, best last, each as a file that runs."""
    lab, lines = search.lab, front(search.lines)
    rows = [("file", "score", "95 %", "cost", "calls", "shape")]
    texts = []
    for number, line in enumerate(lines, 1):
        candidate, name = search.candidates[line.arm], f"tuned-{number}"
        told = f"{line.arm}: {line.score or 0.0:.1f} on {search.tasks.name}, {usd(line.cost_usd)} a task."
        told = f"Simulated, means nothing. {told}" if lab.models.simulated else told
        text = pipeline_text(pipelines.locate(candidate.source).read_bytes(), candidate, name, told)
        path = folder / f"{name}.yaml"
        path.write_text(text, "utf-8")
        pipelines.load(path)  # what is printed runs
        texts.append(f"# {path}\n{text}")
        interval = f"{line.interval.low:.1f}..{line.interval.high:.1f}"
        rows.append(
            (str(path), f"{line.score or 0.0:.1f}", interval, usd(line.cost_usd), f"{line.calls:.1f}", line.arm)
        )
    if not lines:
        lab.err("no shape has a score and a price: nothing to choose from")
        return
    lab.out(columns(rows, right=frozenset({1, 2, 3, 4}), width=lab.width))
    lab.out("\n" + "\n---\n".join(texts))
    judge = f", judge {search.judging.model}" if search.judging else ""
    slow = [f"{line.arm} {seconds(line.p50_s)}" for line in lines if line.p50_s]
    lab.err(f"protocol {search.protocol.name}{judge}; median time: {', '.join(slow)}")
    lab.err(f"{several(lab.purse.calls, 'call')} made now, {usd(lab.purse.spent_usd)}")
