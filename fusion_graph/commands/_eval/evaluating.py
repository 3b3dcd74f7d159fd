"""One eval from the command line: arms, tasks and judge together, then the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fusion_graph.commands import _interrupt
from fusion_graph.commands._eval import report
from fusion_graph.commands._eval.lab import Lab, Place
from fusion_graph.commands._eval.report import TABLE, Output
from fusion_graph.evals.arms import MOST_SAMPLES, Arm, ab, baseline, named_apart, samples_for
from fusion_graph.evals.hygiene.selftest import SelfTest
from fusion_graph.evals.protocols.protocol import Protocol
from fusion_graph.evals.report.document import Report
from fusion_graph.evals.report.summary import Summary, summarise
from fusion_graph.evals.running.choosing import choose_judge, choose_protocol
from fusion_graph.evals.running.evaluation import Grid, Row, evaluate
from fusion_graph.evals.running.forecast import foresee
from fusion_graph.evals.running.judging import Judge, Judging
from fusion_graph.evals.running.leaving import Without, leave_one_out, panel_models
from fusion_graph.evals.running.timing import timed
from fusion_graph.evals.task import TaskSet
from fusion_graph.evals.taskfiles import load as load_tasks
from fusion_graph.figures import several, usd
from fusion_graph.wiring import pipelines

STEPS = 10  # lines of progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was asked for on the command line."""

    place: Place
    pipelines: Sequence[str]
    params: Mapping[str, str]
    ab: bool = False
    compute_matched: bool = False
    runs: int = 1
    tasks: str = "sample"
    limit: int | None = None
    protocol: str | None = None
    judge: str | None = None
    passes: int | None = None
    grade_drafts: bool = False
    force_judge: bool = False
    output: Output = TABLE


@dataclass(slots=True, kw_only=True)
class Study:
    """An eval while it is made."""

    given: Given
    lab: Lab
    tasks: TaskSet
    protocol: Protocol
    judging: Judging | None
    arms: list[Arm]
    rows: list[Row]
    scores: dict[tuple[str, str], float]
    planned: int = 0
    selftest: SelfTest | None = None
    without: Sequence[Without] = ()
    warnings: Sequence[str] = ()

    def summary(self) -> Summary:
        return summarise(self.rows, self.arms, self.protocol, self.scores, self.planned)


def perform(given: Given) -> int:
    """Do it and print it. Returns the exit code."""
    tasks = load_tasks(given.tasks).first(given.limit)
    for name in given.pipelines:
        pipelines.load(name)  # what cannot be read is told before anything is written down
    report.check_places(given.output)
    study = _interrupt.run(_study(given, tasks), given.place.loop)
    with study.lab.shown():
        _look_back(study)
        report.show(_report(study), given.output, study.lab)
    return study.lab.exit_code(scored=any(row.score.score is not None for row in study.rows))


def _look_back(study: Study) -> None:
    """What the records tell for nothing: the time of each run by itself, and the table without each member."""
    by_name, by_task = {arm.name: arm for arm in study.arms}, {task.id: task for task in study.tasks.tasks}
    lab = study.lab
    if not lab.models.virtual:  # in a dry run time is virtual from the start
        records = lab.from_records(study.arms)
        study.rows = timed(study.rows, by_name, by_task, records, lab.records, simulated=lab.models.simulated)
    study.without = [
        found
        for arm in study.arms
        for found in leave_one_out(
            [row for row in study.rows if row.arm == arm.name],
            arm,
            by_task,
            study.scores,
            {model: lab.from_records(study.arms, model) for model in panel_models(arm)},
            lab.records,
            simulated=lab.models.simulated,
        )
    ]


async def _study(given: Given, tasks: TaskSet) -> Study:
    protocol = choose_protocol(given.protocol, tasks)
    judging = choose_judge(protocol, tasks, given.judge, given.passes)
    lab = await Lab.open(given.place)
    lab.models.guarded = tasks.public
    study = Study(
        given=given,
        lab=lab,
        tasks=tasks,
        protocol=protocol,
        judging=judging,
        arms=_arms(given, lab),
        rows=[],
        scores={},
    )
    study.warnings = lab.begin(study.arms, judging)
    lab.err(_at_most(study))
    async with lab.kept():
        await _work(study)
    return study


def _at_most(study: Study) -> str:
    """Before anything is spent: how much it may be."""
    found = foresee(study.arms, study.tasks, study.given.runs, study.judging, study.lab.models.rates)
    judge = f", {several(found.judge_calls, 'call')} of the judge ({usd(found.judge_usd)})" if found.judge_calls else ""
    return f"at most {several(found.arm_calls, 'call')} of the arms ({usd(found.arm_usd)}){judge}, if nothing is shared"


def _arms(given: Given, lab: Lab) -> list[Arm]:
    found = [pipelines.load(name) for name in given.pipelines]
    if given.ab:
        return ab(found[0], pipelines.read_params(found[0], given.params), lab.models.bind)
    return named_apart(
        Arm(name=one.name, bound=lab.models.bind(one, pipelines.read_params(one, given.params))) for one in found
    )


async def _work(study: Study) -> None:
    lab = study.lab
    if study.judging is None:
        await _evaluate(study, study.arms, None)
        return
    judge, engine = lab.judge(study.judging)
    async with engine:
        study.selftest = await lab.check_judge(judge, force=study.given.force_judge)
        await _evaluate(study, study.arms, judge)


async def _evaluate(study: Study, arms: Sequence[Arm], judge: Judge | None) -> None:
    """All arms, then the baselines that are made to cost as much as the dearest of them."""
    lab, given = study.lab, study.given
    await _round(study, arms, judge)
    if given.compute_matched and not lab.purse.empty:
        more = _baselines(study)
        study.arms += more
        await _round(study, more, judge)


async def _round(study: Study, arms: Sequence[Arm], judge: Judge | None) -> None:
    lab, given = study.lab, study.given
    grid = Grid(
        arms=arms,
        tasks=study.tasks,
        protocol=study.protocol,
        runs=given.runs,
        grade_drafts=given.grade_drafts,
        at_once=given.place.at_once,
    )
    async with lab.models.open(arms, lab.door()) as fusion:
        desk = lab.desk(fusion, judge, study.scores)
        study.rows += await evaluate(grid, desk, _Progress(lab, grid.size))
    study.planned += grid.size


def _baselines(study: Study) -> list[Arm]:
    """Of the best panelist alone, so many samples that they cost what the dearest shape costs: self-consistency where
    answers can be counted, and self-fusion."""
    lines = study.summary().lines
    alone = [line for line in lines if line.role == "solo" and line.score is not None and line.cost_usd]
    shapes = [line for line in lines if line.role == "shape" and line.cost_usd]
    if not alone or not shapes:
        study.lab.err("no baseline of equal cost: it takes --ab, and prices of all models")
        return []
    best = max(alone, key=lambda line: line.score or 0.0)
    dearest = max(line.cost_usd or 0.0 for line in shapes)
    exact = study.tasks.exact
    samples = samples_for(dearest, best.cost_usd or 0.0, exact=exact)
    if samples > MOST_SAMPLES:
        study.lab.err(f"the baseline of equal cost would take {samples} samples; it gets {MOST_SAMPLES} and costs less")
    solo = next(arm for arm in study.arms if arm.name == best.arm)
    ways = (True, False) if exact else (False,)  # answers that can be counted are counted, and written together too
    return [baseline(solo, samples, pipelines.load, study.lab.models.bind, exact=way) for way in ways]


class _Progress:
    """A line on stderr for every tenth of the answers."""

    def __init__(self, lab: Lab, size: int) -> None:
        self._lab = lab
        self._size = size
        self._done = 0

    def __call__(self, _row: Row) -> None:
        self._done += 1
        if self._done * STEPS // self._size > (self._done - 1) * STEPS // self._size:
            purse = self._lab.purse
            spent = f"{several(purse.calls, 'call')}, {usd(purse.spent_usd)}"
            self._lab.err(f"{self._done} of {several(self._size, 'answer')}; {spent}")


def _report(study: Study) -> Report:
    lab, judging = study.lab, study.judging
    return Report(
        summary=study.summary(),
        protocol=study.protocol,
        judging=judging,
        tasks=study.tasks,
        runs=study.given.runs,
        simulated=lab.models.simulated or any(row.answer.simulated for row in study.rows),
        prices_date=lab.models.prices.date,
        spent_usd=None if lab.purse.unpriced else lab.purse.spent_usd,
        calls=lab.purse.calls,
        journal=lab.series.id if lab.series.kept else "",
        warnings=tuple(study.warnings),
        selftest=study.selftest,
        without=tuple(study.without),
        web=tuple(arm.name for arm in study.arms if arm.bound.tooled),
        panels=tuple(arm.name for arm in study.arms if panel_models(arm)),
        cut=lab.purse.empty,
    )
