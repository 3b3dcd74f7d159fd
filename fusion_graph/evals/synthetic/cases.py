"""The cases that are proved: a pipeline, a mask, and what arithmetic says of both; run through the whole engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fusion_graph.contracts import Backend
from fusion_graph.engine.pricing import Prices
from fusion_graph.evals.arms import Arm, Bind
from fusion_graph.evals.protocols.exact import is_right
from fusion_graph.evals.report.statistics import Interval, wilson
from fusion_graph.evals.running.generation import Answer, generate
from fusion_graph.evals.synthetic.masks import Mask
from fusion_graph.evals.synthetic.theory import colluding, correlated, early_stop, majority
from fusion_graph.pipeline import Pipeline

if TYPE_CHECKING:
    from fusion_graph.engine.fusion import Fusion

FIVE = ("m/a", "m/b", "m/c", "m/d", "m/e")
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


def cases(knowledge: float = 0.7) -> tuple[Case, ...]:
    """All of them."""
    plain = Mask(knowledge=knowledge)
    alone = {"version": 1, "name": "one", "nodes": {"a": {"kind": "proposer", "model": FIVE[0]}}, "output": "a"}
    together = Mask(seed=1, knowledge=knowledge, correlation=0.5)
    two, three = (Mask(seed=2, knowledge=knowledge, colluders=frozenset(FIVE[:n])) for n in (2, 3))
    stopped, stopped_right = early_stop(9, 1, 5, knowledge)
    return (
        Case(name="one model", says="the baseline", mask=plain, document=alone, accuracy=knowledge, calls=1),
        Case(
            name="vote of 3, independent",
            says="a vote gains where errors are independent",
            mask=plain,
            document=vote(FIVE[:3]),
            accuracy=majority(3, knowledge),
            calls=3,
        ),
        Case(
            name="vote of 5, independent",
            says="and more with more voters",
            mask=plain,
            document=vote(FIVE),
            accuracy=majority(5, knowledge),
            calls=5,
        ),
        Case(
            name="vote of 5, half the errors shared",
            says="shared errors take the gain away",
            mask=together,
            document=vote(FIVE),
            accuracy=correlated(5, knowledge, 0.5),
            calls=5,
        ),
        Case(
            name="vote of 5, two collude",
            says="two of five that lie together put it below one model",
            mask=two,
            document=vote(FIVE),
            accuracy=colluding(5, 2, knowledge),
            calls=5,
        ),
        Case(
            name="vote of 5, three collude",
            says="a colluding majority defeats it",
            mask=three,
            document=vote(FIVE),
            accuracy=colluding(5, 3, knowledge),
            calls=5,
        ),
        Case(
            name="up to 9 samples, stop at 5 alike",
            says="stopping early saves samples and loses nothing",
            mask=plain,
            document=samples(9, 1, 5),
            accuracy=stopped_right,
            calls=stopped,
        ),
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
    async with open_fusion(case.mask) as fusion:
        for item, task in enumerate(case.mask.tasks(items).tasks):
            answer = await generate(arm, task, 0, fusion, fence="f" * 12)
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
