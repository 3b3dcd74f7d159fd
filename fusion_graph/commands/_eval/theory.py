"""`eval --provable`: simulated models whose knowledge is known, through the whole engine, beside what arithmetic
says."""

from __future__ import annotations

from fusion_graph.commands import _interrupt
from fusion_graph.commands._columns import columns, fill
from fusion_graph.commands._eval.lab import Lab, Place
from fusion_graph.evals.synthetic.cases import Outcome, cases, prove
from fusion_graph.store.clockwork import Clockwork
from fusion_graph.wiring import pipelines

ITEMS = 1000
HEAD = ("case", "predicted", "measured", "99 % interval", "calls predicted", "measured", "holds", "shows")
TOLD = (
    "every model is simulated and its knowledge is a mask: this says what counting votes can do, and nothing of real"
    " models."
)


def perform(items: int | None) -> int:
    """Print the table. The exit code is 1 when a prediction does not hold."""
    count = items or ITEMS
    lab, found = _interrupt.run(_prove(count), Clockwork)
    rows = [HEAD, *(_row(outcome) for outcome in found)]
    lab.out(columns(rows, right=frozenset({1, 2, 3, 4, 5}), width=lab.width))
    lab.out(fill(f"{count} items each; {TOLD}", lab.width or 100))
    return 0 if all(outcome.holds for outcome in found) else 1


async def _prove(items: int) -> tuple[Lab, list[Outcome]]:
    lab = await Lab.open(Place(dry_run=True))
    return lab, [await prove(case, items, pipelines.load, lab.models.bind) for case in cases()]


def _row(outcome: Outcome) -> tuple[str, ...]:
    case = outcome.case
    return (
        case.name,
        f"{case.accuracy:.1%}",
        f"{outcome.accuracy:.1%}",
        f"{outcome.interval.low:.1%}..{outcome.interval.high:.1%}",
        f"{case.calls:.2f}",
        f"{outcome.calls:.2f}",
        "yes" if outcome.holds else "NO",
        case.says,
    )
