"""Counting, in code and never by a model: votes, medians, Borda points. Ties go to the earlier draft."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from fusion_graph.contracts import Input
from fusion_graph.outputs import Draft, Scores


class Tally(NamedTuple):
    """The winner of a count: its earliest draft, the votes for its answer, and those for the next best answer."""

    draft: Draft
    votes: int
    next: int


def count_votes(ballots: Iterable[tuple[Draft, str | None]]) -> Tally | None:
    """The answer given most often; None if nobody gave one."""
    first: dict[str, Draft] = {}
    votes: Counter[str] = Counter()
    for draft, answer in ballots:
        if answer is not None:
            first.setdefault(answer, draft)
            votes[answer] += 1
    if not votes:
        return None
    answer = max(first, key=votes.__getitem__)
    others = (count for other, count in votes.items() if other != answer)
    return Tally(first[answer], votes[answer], max(others, default=0))


def scores_of(inputs: Iterable[Input]) -> Mapping[str, float]:
    """Score by writing node from the scoring judges among the inputs, empty if there is none: of one judge as it is, of
    several the median, or the mean share of beaten rivals (Borda) as soon as one of them ranks."""
    judges = [source.value for source in inputs if isinstance(source.value, Scores)]
    if len(judges) == 1:
        return judges[0].by_node
    if all(judge.mode == "score" for judge in judges):
        return {node: median(values) for node, values in _gather(j.by_node for j in judges).items()}
    return {node: sum(values) / len(values) for node, values in _gather(_places(j.by_node) for j in judges).items()}


def sort_by_score(drafts: Sequence[Draft], scores: Mapping[str, float]) -> list[Draft]:
    """Best first; drafts nobody scored last; ties as they came."""
    return sorted(drafts, key=lambda draft: -scores.get(draft.node, float("-inf")))


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _places(table: Mapping[str, float]) -> Mapping[str, float]:
    """Share of rivals beaten, 0..1, ties half: comparable between judges that saw different numbers of drafts. A draft
    alone beats nobody and loses to nobody, which says nothing."""
    if len(table) < 2:
        return {}
    ordered, rivals = sorted(table.values()), len(table) - 1
    return {
        node: (bisect_left(ordered, score) + (bisect_right(ordered, score) - bisect_left(ordered, score) - 1) / 2)
        / rivals
        for node, score in table.items()
    }


def _gather(tables: Iterable[Mapping[str, float]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for table in tables:
        for node, score in table.items():
            found.setdefault(node, []).append(score)
    return found
