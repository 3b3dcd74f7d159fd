"""The worked example of the benchmark's rules, and passes made by hand."""

from __future__ import annotations

from fusion_graph.evals.protocols.scoring import PassScore, Verdict, score_pass
from fusion_graph.evals.task import Criterion

WEIGHTS = {"a1": 10, "a2": 8, "a3": -12, "b1": 6, "b2": -5, "p1": 4, "c1": 5, "c2": -10}
SECTIONS = {"a": "factual", "b": "breadth", "p": "presentation", "c": "citation"}
CRITERIA = tuple(
    Criterion(id=name, weight=weight, requirement=name, section=SECTIONS[name[0]]) for name, weight in WEIGHTS.items()
)
MET = ({"a1", "a3", "b1", "p1", "c1"}, {"a1", "a3", "b1", "p1"}, {"a1", "b1", "p1", "c1"})


def verdicts(number: int, unparsable: Verdict = "not_json") -> dict[str, Verdict]:
    """Of pass 1, 2 or 3; c1 has none in pass 2."""
    made: dict[str, Verdict] = {name: "MET" if name in MET[number - 1] else "UNMET" for name in WEIGHTS}
    if number == 2:
        made["c1"] = unparsable
    return made


def passes(unparsable: Verdict = "not_json") -> list[PassScore]:
    return [score_pass(CRITERIA, verdicts(number, unparsable)) for number in (1, 2, 3)]


def criteria(*weights: float) -> tuple[Criterion, ...]:
    return tuple(Criterion(id=str(i), weight=w, requirement="r") for i, w in enumerate(weights))


def scored(met: str, *weights: float) -> PassScore:
    """One pass: a letter per criterion, + met, - unmet, ? no verdict, ! its call was lost."""
    words: dict[str, Verdict] = {"+": "MET", "-": "UNMET", "?": "empty", "!": "call_failed"}
    return score_pass(criteria(*weights), {str(i): words[sign] for i, sign in enumerate(met)})
