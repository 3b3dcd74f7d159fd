"""Judges: one criterion a call, kept verdicts, reasons for missing ones."""

from __future__ import annotations

import asyncio
import json

import pytest

from fusion_graph.errors import Permanent
from fusion_graph.evals.protocols.scoring import PassScore
from fusion_graph.evals.running.judging import OutOfBudget
from fusion_graph.evals.running.records import Records
from fusion_graph.evals.task import Criterion, Task
from fusion_graph.messages import Call, Completion
from fusion_graph.providers.sim import Reply, Script
from tests.evals.desk import Bench, new_book, virtually

TASK = Task(
    id="t",
    prompt="Why?",
    criteria=(
        Criterion(id="good", weight=5, requirement="Names the reason."),
        Criterion(id="bad", weight=-5, requirement="Names a wrong reason."),
    ),
)


def word(verdict: str) -> str:
    return json.dumps({"verdict": verdict, "justification": "j"})


def by_requirement(call: Call) -> str:
    return word("UNMET" if "wrong reason" in call.messages[-1].text else "MET")


def grade(
    script: Script, protocol: str = "openrouter", passes: int = 1, book: Records | None = None
) -> tuple[list[PassScore], Bench]:
    async def main() -> tuple[list[PassScore], Bench]:
        bench = Bench({}, script, book=book)
        return await bench.judge(protocol, passes).grade(TASK, "Because."), bench

    return virtually(main())


def test_one_criterion_a_call() -> None:
    (score,), bench = grade({"*": by_requirement})
    assert (score.normalized, score.pass_rate) == (100, 100)
    assert len(bench.judges.received) == 2
    call = bench.judges.received[0]
    assert (call.sampling.temperature, call.sampling.reasoning_effort) == (0.2, "low")
    assert "Because." in call.messages[1].text
    assert len([r for r in ("Names the reason.", "Names a wrong reason.") if r in call.messages[1].text]) == 1


def test_passes_are_passes() -> None:
    scores, bench = grade({"*": by_requirement}, passes=3)
    assert (len(scores), len(bench.judges.received)) == (3, 6)


def test_what_is_judged_is_not_judged_again_but_what_is_missing_is() -> None:
    book = new_book()
    (first,), bench = grade({"*": [word("MET"), "no verdict"]}, book=book)
    assert (first.graded, len(bench.judges.received)) == (1, 2)
    (second,), again = grade({"*": word("UNMET")}, book=book)
    assert (second.graded, len(again.judges.received)) == (2, 1)
    assert grade({}, book=book)[1].judges.received == []
    grade({"*": word("MET")}, book=book, passes=2)


@pytest.mark.parametrize(
    ("reply", "protocol", "calls"),
    [
        ("prose", "openrouter", 2),
        ("prose", "paper", 6),
        (Permanent("bad_request", status=400), "paper", 2),
        (Completion(text='{"verdict": "ME', finish_reason="length"), "openrouter", 2),
    ],
)
def test_a_missing_verdict_by_protocol(reply: Reply, protocol: str, calls: int) -> None:
    (score,), bench = grade({"*": reply}, protocol)
    assert (score.graded, len(bench.judges.received)) == (0, calls)
    assert sorted(len(told) for told in bench.book._concluded.values()) == [1, 1]  # which one was missing, and why


def test_paper_takes_json_wherever_it_stands() -> None:
    (score,), _ = grade({"*": 'So: ```json\n{"criterion_status": "MET"}\n```'}, "paper")
    assert score.graded == 2


def test_calls_are_bounded() -> None:
    async def main() -> int:
        gate, most = asyncio.Event(), 0
        bench = Bench({}, {"*": (gate, word("MET"))})
        judge = bench.judge()
        judge._cap = asyncio.Semaphore(1)
        task = asyncio.create_task(judge.grade(TASK, "text"))
        await bench.judges.called("j/j")
        most = len(bench.judges.running)
        gate.set()
        await task
        return most

    assert virtually(main()) == 1


def test_an_empty_purse_is_told() -> None:
    async def main() -> None:
        await Bench({}, {"*": word("MET")}, budget=0.0).judge().grade(TASK, "text")

    with pytest.raises(OutOfBudget):
        virtually(main())
