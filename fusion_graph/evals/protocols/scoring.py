"""The score of one pass over one text: weights of what is met, over the weights that count. Pure arithmetic in full
precision; rounding is for whoever prints.

A verdict is MET or UNMET, or why there is none: a missing verdict is never one of the two, as UNMET would reward every
negative criterion. MET on a negative criterion means that the error is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from fusion_graph.evals.task import Criterion

MET, UNMET = "MET", "UNMET"
Missing = Literal["call_failed", "empty", "cut_off", "not_json", "bad_value"]
Verdict: TypeAlias = Literal["MET", "UNMET"] | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class PassScore:
    """One pass. `normalized` is None when no criterion was graded; an axis without graded positive weight is absent.
    `coverage` is by count, `weight_coverage` by the size of the weights."""

    raw: float
    positive: float
    normalized: float | None
    pass_rate: float | None
    graded: int
    total: int
    lost: int = 0  # verdicts whose call failed on its way
    weight_coverage: float
    axes: Mapping[str, float] = field(default_factory=dict)

    @property
    def coverage(self) -> float:
        return self.graded / self.total if self.total else 0.0


def score_pass(criteria: Sequence[Criterion], verdicts: Mapping[str, Verdict]) -> PassScore:
    """The score of the criteria that have a verdict."""
    graded = [c for c in criteria if verdicts.get(c.id) in (MET, UNMET)]
    met = {c.id for c in graded if verdicts[c.id] == MET}
    right = sum((c.id in met) == (c.weight > 0) for c in graded if c.weight)
    weight = sum(abs(c.weight) for c in criteria)
    sections = dict.fromkeys(c.section for c in criteria if c.section)
    axes = {name: _normalized([c for c in graded if c.section == name], met) for name in sections}
    return PassScore(
        raw=_raw(graded, met),
        positive=_positive(graded),
        normalized=(_normalized(graded, met) or 0.0) if graded else None,
        pass_rate=100 * right / len(graded) if graded else None,
        graded=len(graded),
        total=len(criteria),
        lost=sum(verdicts.get(c.id) == "call_failed" for c in criteria),
        weight_coverage=sum(abs(c.weight) for c in graded) / weight if weight else 0.0,
        axes={name: score for name, score in axes.items() if score is not None},
    )


def _raw(graded: Sequence[Criterion], met: set[str]) -> float:
    return sum(c.weight for c in graded if c.id in met)


def _positive(graded: Sequence[Criterion]) -> float:
    return sum(c.weight for c in graded if c.weight > 0)


def _normalized(graded: Sequence[Criterion], met: set[str]) -> float | None:
    """0 to 100; None where no positive weight was graded."""
    positive = _positive(graded)
    return 100 * min(1.0, max(0.0, _raw(graded, met) / positive)) if positive else None
