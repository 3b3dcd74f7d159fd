"""Which member mattered? Each arm is played again from recorded replies as if one model had not answered. Where a later
node would have to be asked anew, as every writer must be, nothing is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fusion_graph.evals.arms import Arm
from fusion_graph.evals.report.statistics import Interval, bootstrap
from fusion_graph.evals.running.evaluation import Row, text_digest
from fusion_graph.evals.running.records import Records
from fusion_graph.evals.running.timing import Open, play_again
from fusion_graph.evals.task import Task


class Without(NamedTuple):
    """An arm without a model, against itself with it, over the tasks that records could answer."""

    arm: str
    model: str
    delta: float
    interval: Interval
    tasks: int


def leave_one_out(
    rows: Sequence[Row],
    arm: Arm,
    tasks: Mapping[str, Task],
    scores: Mapping[tuple[str, str], float],
    open_without: Mapping[str, Open],
    records: Records,
    *,
    simulated: bool = False,
) -> list[Without]:
    """`open_without`: for each model of the panel, an engine in which it is absent. Only texts that have a score
    count."""
    found = []
    for model, opened in open_without.items():
        deltas = []
        for row in rows:
            again = play_again(arm, tasks[row.task], row.run, opened, records, simulated=simulated)
            score = 0.0 if not again.text else scores.get((row.task, text_digest(again.text)))
            if again.whole and score is not None and row.score.score is not None:
                deltas.append(score - row.score.score)
        if deltas:
            found.append(Without(arm.name, model, sum(deltas) / len(deltas), bootstrap(deltas), len(deltas)))
    return found


def panel_models(arm: Arm) -> tuple[str, ...]:
    """The models whose drafts the arm reads, if there are several. One that also judges or writes cannot be left out:
    its draft alone would not be what is missing."""
    members, others = dict[str, None](), set[str]()
    for node, kind in zip(arm.bound.nodes, arm.bound.kinds, strict=True):
        if node.model is not None and kind.role == "panel":
            members[node.model.model.slug] = None
        elif node.model is not None:
            others.update(ref.slug for ref in node.model.models)
    if arm.role != "shape" or len(members) < 2 or arm.bound.tooled:
        return ()
    return tuple(slug for slug in members if slug not in others)
