"""What fusion can do, proved: measured accuracy within the 99 % interval of the closed form, every vote as the mask has
it, no draft or sample lost on the way."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from fusion_graph.evals.running.generation import Answer
from fusion_graph.evals.synthetic.cases import FIVE, Case, cases, prove, samples, vote
from fusion_graph.evals.synthetic.masks import Mask
from fusion_graph.evals.synthetic.theory import early_stop, majority
from tests.evals.desk import bound, load

ITEMS = 1000
CASES = {case.name: case for case in cases()}


@pytest.mark.parametrize("name", CASES)
async def test_measured_is_what_arithmetic_says(name: str) -> None:
    outcome = await prove(CASES[name], ITEMS, load, bound)
    assert outcome.holds, (outcome.accuracy, outcome.interval, outcome.case.accuracy)
    if name != "up to 9 samples, stop at 5 alike":
        assert outcome.calls == outcome.case.calls


async def test_every_vote_is_the_masks() -> None:
    mask, seen = Mask(knowledge=0.6), dict[int, Answer]()
    case = replace(CASES["vote of 5, independent"], mask=mask)
    await prove(case, 200, load, bound, told=seen.__setitem__)
    for item, answer in seen.items():
        votes = Counter(mask.says(model, item) for model in FIVE)
        assert len(answer.drafts) == 5
        assert answer.text.endswith(votes.most_common(1)[0][0])


async def test_early_stopping_saves_the_predicted_share() -> None:
    seen = dict[int, Answer]()
    outcome = await prove(CASES["up to 9 samples, stop at 5 alike"], ITEMS, load, bound, told=seen.__setitem__)
    mask = outcome.case.mask
    for item, answer in seen.items():  # exactly where the mask's own draws say that it stops
        draws = [mask.says(FIVE[0], item, (0, n, 0, 0)) for n in range(9)]
        stops = (n for n in range(1, 10) if n == 9 or Counter(draws[:n]).most_common(1)[0][1] >= 5)
        assert (answer.calls, len(answer.drafts)) == (used := next(stops), used)
    predicted, _ = early_stop(9, 1, 5, 0.7)
    spread = 2 * 2.58 / ITEMS**0.5  # a sample count lies in 5 .. 9, so its SD is at most 2
    assert abs(outcome.calls - predicted) < spread
    assert 1 - predicted / 9 > 0.2


@pytest.mark.parametrize(
    ("document", "predicted"),
    [
        (vote(FIVE[:3]), majority(5, 0.7)),
        (samples(3, 3, 3), majority(9, 0.7)),
    ],
)
async def test_a_lost_vote_would_be_found(document: dict[str, object], predicted: float) -> None:
    """The interval is narrow enough: with two of five voters gone, it does not hold the prediction of five."""
    lossy = Case(name="lossy", says="", mask=Mask(), document=document, accuracy=predicted, calls=5)
    assert not (await prove(lossy, ITEMS, load, bound)).holds
