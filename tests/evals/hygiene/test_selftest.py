"""The self-test: a judge that can judge passes, one that reads negatives the wrong way round is found out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fusion_graph.evals.hygiene.selftest import SelfTest, count, examine, items
from fusion_graph.evals.protocols.scoring import Verdict
from fusion_graph.messages import Call
from tests.evals.desk import Bench, virtually
from tests.evals.running.test_judging import word


def verdicts(right: Callable[[int, bool], bool]) -> list[Verdict]:
    """Of a judge that is right where `right(number, negative)` says so."""
    return [
        ("MET" if item.truth == "MET" else "UNMET")
        if right(number, item.criterion.negative)
        else ("UNMET" if item.truth == "MET" else "MET")
        for number, item in enumerate(items())
    ]


def test_items_are_two_dozen_half_of_them_negative() -> None:
    assert (len(items()), sum(item.criterion.negative for item in items())) == (24, 12)
    assert {item.truth for item in items()} == {"MET", "UNMET"}
    assert len({(item.task.prompt, item.criterion.requirement, item.response) for item in items()}) == 24


@pytest.mark.parametrize(
    ("right", "result"),
    [
        (lambda _n, _negative: True, "passed"),
        (lambda n, _negative: n != 0, "passed"),
        (lambda _n, negative: not negative, "inverted"),
        (lambda _n, negative: negative, "failed"),
        (lambda n, negative: not negative or n % 3 > 0, "failed"),
    ],
)
def test_results(right: Callable[[int, bool], bool], result: str) -> None:
    assert count(verdicts(right)).result == result


def test_a_missing_verdict_is_not_right() -> None:
    found = count(["not_json"] * 24)
    assert (found.positive_right, found.negative_right, found.result, len(found.wrong)) == (0, 0, "failed", 24)
    assert found.told == "judge self-test failed: 0/12 positive, 0/12 negative right"


def test_every_item_is_asked_of_the_judge() -> None:
    def always_met(_call: Call) -> str:
        return word("MET")

    async def main() -> tuple[SelfTest, int]:
        bench = Bench({}, {"*": always_met})
        return await examine(bench.judge()), len(bench.judges.received)

    found, calls = virtually(main())
    assert calls == 24
    assert found.positive_right == sum(i.truth == "MET" for i in items() if not i.criterion.negative)
