"""The cases that are proved: a pipeline, a mask, and what arithmetic says of both; run through the whole engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fusion_graph.contracts import Backend
from fusion_graph.engine.pricing import Prices
from fusion_graph.evals.arms import Arm, Bind
from fusion_graph.evals.protocols.exact import is_right
from fusion_graph.evals.report.statistics import Interval, wilson
from fusion_graph.evals.running.generation import Answer, generate
from fusion_graph.evals.running.records import Records
from fusion_graph.evals.synthetic.masks import Mask
from fusion_graph.evals.synthetic.theory import colluding, correlated, early_stop, majority
from fusion_graph.pipeline import Pipeline
from fusion_graph.store.journal import Journal
from fusion_graph.store.series import Series

if TYPE_CHECKING:
    from fusion_graph.engine.fusion import Fusion

FIVE = ("m/a", "m/b", "m/c", "m/d", "m/e")
STOPPED = "up to 9 samples, stop at 5 alike"
ANSWER = {"regex": r"Answer:\s*(\w+)$"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`accuracy` and `calls` (per item) are predicted; `says` is what is shown by it."""

    name: str
    says: str
    mask: Mask
    document: Mapping[str, Any]
    accuracy: float
    calls: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`interval` is that of the measured accuracy, at 99 %."""

    case: Case
    items: int
    accuracy: float
    interval: Interval
    calls: float

    @property
    def holds(self) -> bool:
        return self.case.accuracy in self.interval


def vote(models: Sequence[str]) -> dict[str, Any]:
    """A panel whose answers are counted."""
    return _voted({"kind": "layer", "models": list(models), "extract": ANSWER})


def samples(most: int, window: int, agree: int) -> dict[str, Any]:
    """One model, sampled until enough agree."""
    stop = {"samples": most, "window": window, "stop": {"agree": agree}}
    return _voted({"kind": "sample", "model": FIVE[0], "extract": ANSWER, **stop})


def _voted(drafts: dict[str, Any]) -> dict[str, Any]:
    nodes = {
        "drafts": drafts,
        "vote": {"kind": "judge", "mode": "vote", "inputs": ["drafts"]},
        "final": {"kind": "fallback", "inputs": ["vote", "drafts"]},
    }
    return {"version": 1, "name": "vote", "nodes": nodes, "output": "final"}


def cases() -> tuple[Case, ...]:
    """All of them."""
    knowledge = 0.7
    plain = Mask(knowledge=knowledge)
    alone = {"version": 1, "name": "one", "nodes": {"a": {"kind": "proposer", "model": FIVE[0]}}, "output": "a"}
    together = replace(plain, seed=1, correlation=0.5)
    two, three = (replace(plain, seed=2, colluders=frozenset(FIVE[:n])) for n in (2, 3))
    drawn, stopped = early_stop(9, 1, 5, knowledge)
    table: tuple[tuple[str, str, Mask, Mapping[str, Any], float, float], ...] = (
        ("one model", "the baseline", plain, alone, knowledge, 1),
        ("vote of 3, independent", "independent errors: a gain", plain, vote(FIVE[:3]), majority(3, knowledge), 3),
        ("vote of 5, independent", "and more with more voters", plain, vote(FIVE), majority(5, knowledge), 5),
        (
            "vote of 5, half shared",
            "shared errors take it away",
            together,
            vote(FIVE),
            correlated(5, knowledge, 0.5),
            5,
        ),
        ("vote of 5, two collude", "two liars put it below one model", two, vote(FIVE), colluding(5, 2, knowledge), 5),
        ("vote of 5, three collude", "a colluding majority defeats it", three, vote(FIVE), 0.0, 5),
        (STOPPED, "stopping early saves samples and loses nothing", plain, samples(9, 1, 5), stopped, drawn),
    )
    return tuple(
        Case(name=name, says=says, mask=mask, document=document, accuracy=accuracy, calls=calls)
        for name, says, mask, document, accuracy, calls in table
    )


async def prove(
    case: Case,
    items: int,
    load: Callable[[Mapping[str, Any]], Pipeline],
    bind: Bind,
    told: Callable[[int, Answer], None] = lambda _item, _answer: None,
) -> Outcome:
    """Run the case on so many items, each through a run of its own. `told` gets every answer."""
    arm = Arm(name=case.name, bound=bind(load(case.document), {}))
    right = calls = 0
    records = Records(Series(journal=Journal(None), command="eval", fence="f" * 12))
    async with open_fusion(case.mask) as fusion:
        for item, task in enumerate(case.mask.tasks(items).tasks):
            answer = await generate(arm, task, 0, fusion, records, live=False)
            right += is_right(task, answer.text)
            calls += answer.calls
            told(item, answer)
    return Outcome(case=case, items=items, accuracy=right / items, interval=wilson(right, items), calls=calls / items)


def open_fusion(mask: Mask) -> Fusion:
    """An engine whose only models wear this mask."""
    from fusion_graph.engine.fusion import Fusion

    return Fusion(
        providers={"sim": mask.provider()},
        backends={"sim": Backend(name="sim", provider="sim")},
        default_backend="sim",
        prices=Prices({}),
    )
