"""Every arm on every task: shared calls, kept answers, killed and resumed without paying twice."""

from __future__ import annotations

from fusion_graph.errors import Permanent, Transient
from fusion_graph.evals.arms import Arm, ab
from fusion_graph.evals.protocols import PROTOCOLS
from fusion_graph.evals.running.evaluation import Grid, Row, evaluate
from fusion_graph.evals.running.records import KEPT, Records
from fusion_graph.evals.task import Criterion, Task, TaskSet
from fusion_graph.messages import Call
from fusion_graph.pipeline import Extract
from fusion_graph.providers.sim import Script
from tests.evals.desk import PANEL, Bench, bound, load, new_book, virtually
from tests.evals.running.test_judging import word

TASKS = tuple(
    Task(id=f"t{n}", prompt=f"What is {n}?", answer=str(n), extract=Extract(last_number=True)) for n in range(4)
)
ARMS = ab(load(PANEL), {}, bound)


def grid(arms: list[Arm] = ARMS, tasks: tuple[Task, ...] = TASKS, runs: int = 1, protocol: str = "exact") -> Grid:
    made = TaskSet(name="made", form="exact", sha256="", tasks=tasks, total=len(tasks))
    return Grid(arms=arms, tasks=made, protocol=PROTOCOLS[protocol], runs=runs)


def right(call: Call) -> str:
    return call.messages[0].text.split()[2].rstrip("?")


def play(
    script: Script,
    wanted: Grid,
    judge: Script | None = None,
    *,
    book: Records | None = None,
    budget: float | None = None,
) -> tuple[list[Row], Bench]:
    async def main() -> tuple[list[Row], Bench]:
        bench = Bench(script, judge, book=book, budget=budget)
        return await evaluate(wanted, bench.desk(bench.judge() if judge else None)), bench

    return virtually(main())


def test_arms_share_the_calls_they_share() -> None:
    rows, bench = play({"*": right}, grid())
    assert [(row.task, row.arm) for row in rows] == [(task.id, arm.name) for task in TASKS for arm in ARMS]
    assert {row.score.score for row in rows} == {100}
    assert len(bench.models.received) == len(TASKS) * 3
    alone, panel = rows[0].answer, rows[2].answer
    assert (alone.calls, panel.calls) == (1, 3)


def test_runs_are_asked_anew() -> None:
    rows, bench = play({"*": right}, grid(runs=3))
    assert len(rows) == 4 * 3 * 3
    assert len(bench.models.received) == 3 * len(TASKS) * 3


def test_a_resumed_eval_pays_nothing_twice() -> None:
    book = new_book()
    rows, first = play({"*": right}, grid(), book=book)
    resumed, again = play({}, grid(), book=book)
    assert (len(first.models.received), again.models.received) == (12, [])
    assert resumed == rows


def test_only_the_call_that_failed_is_asked_again() -> None:
    book, wanted = new_book(), grid(ARMS[2:], TASKS[:1])
    lost, _ = play({"c/z": Transient("upstream_5xx", status=503), "*": right}, wanted, book=book)
    assert (lost[0].answer.ending, lost[0].answer.lost) == ("wrong_panel", True)
    found, again = play({"*": right}, wanted, book=book)
    assert found[0].answer.ending == "answered"
    assert [call.model for call in again.models.received] == ["c/z"]


def test_an_outage_in_the_panel_is_no_zero() -> None:
    rubric = (Task(id="r", prompt="What is 1?", criteria=(Criterion(id="c", weight=1, requirement="Is right."),)),)
    wanted = grid(ARMS[2:], rubric, protocol="openrouter")
    judge: Script = {"*": word("MET")}
    lost, _ = play({"b/y": Transient("upstream_5xx", status=503), "*": right}, wanted, judge)
    refused, _ = play({"b/y": Permanent("bad_request", status=400), "*": right}, wanted, judge)
    assert [rows[0].score.score for rows in (lost, refused)] == [None, 0]


def test_a_pipelines_own_failure_is_kept() -> None:
    book, wanted = new_book(), grid(ARMS[:1], TASKS[:1])
    assert play({"*": Permanent("bad_request", status=400)}, wanted, book=book)[0][0].score.score == 0
    assert play({}, wanted, book=book)[0][0].score.score == 0


def test_a_lost_answer_is_not_kept() -> None:
    book = new_book()
    rows, _ = play({"*": Transient("upstream_5xx", status=500)}, grid(ARMS[:1], TASKS[:1]), book=book)
    assert rows[0].score.score is None
    assert play({"*": right}, grid(ARMS[:1], TASKS[:1]), book=book)[0][0].score.score == 100


def test_a_new_judge_finds_the_answers() -> None:
    rubric = (Task(id="r", prompt="What is 1?", criteria=(Criterion(id="c", weight=1, requirement="Is right."),)),)
    wanted, book = grid(tasks=rubric, protocol="openrouter"), new_book()
    rows, bench = play({"*": right}, wanted, {"*": word("MET")}, book=book)
    assert {row.score.score for row in rows} == {100}
    assert len(bench.judges.received) == 1  # three arms, one text
    assert len(rows[2].drafts) == 2
    rows, again = play({}, wanted, {"*": word("UNMET")}, book=book)
    assert again.judges.received == []
    (graded,) = [run for run, told in book._concluded.items() if told == {KEPT: "MET"}]
    del book._concluded[graded]
    rows, again = play({}, wanted, {"*": word("UNMET")}, book=book)
    assert {row.score.score for row in rows} == {0}
    assert again.models.received == []


def test_a_budget_stops_cleanly_and_the_rest_is_paid_later() -> None:
    book = new_book()
    rows, bench = play({"*": right}, grid(), book=book, budget=0.0046)
    assert 0 < len(rows) < 12
    assert bench.purse.empty
    assert bench.purse.spent_usd <= 0.0046
    paid = len(bench.models.received)
    rows, again = play({"*": right}, grid(), book=book)
    assert (len(rows), paid + len(again.models.received)) == (12, 12)


def test_drafts_are_graded_where_there_is_one_answer() -> None:
    def wrong(call: Call) -> str:
        return "999" if call.model == "a/x" else right(call)

    async def main() -> dict[tuple[str, str], float]:
        desk = Bench({"*": wrong}).desk()
        await evaluate(grid(ARMS[2:], TASKS[:1]), desk)
        return desk.scores

    assert sorted(virtually(main()).values()) == [0, 100]
