"""Leave-one-out from records: a vote can be counted again, a writer cannot."""

from __future__ import annotations

from fusion_graph.evals.arms import Arm
from fusion_graph.evals.running.evaluation import Row, evaluate
from fusion_graph.evals.running.leaving import Without, leave_one_out, panel_models
from fusion_graph.messages import Call
from tests.evals.desk import PANEL, VOTE, Bench, bound, load, virtually
from tests.evals.running.test_evaluation import TASKS, grid, right


def only_two_know(call: Call) -> str:
    return "999" if call.model == "b/y" else right(call)


def left(arm: Arm) -> tuple[list[Without], Bench]:
    bench = Bench({"*": only_two_know})

    async def main() -> tuple[list[Row], dict[tuple[str, str], float]]:
        desk = bench.desk()
        return await evaluate(grid([arm]), desk), desk.scores

    rows, scores = virtually(main())
    opened = {model: bench.records(model) for model in panel_models(arm)}
    tasks = {task.id: task for task in TASKS}
    return leave_one_out(rows, arm, tasks, scores, opened, bench.book), bench


def test_a_vote_is_counted_again_for_nothing() -> None:
    found, bench = left(Arm(name="vote", bound=bound(load(VOTE), {})))
    assert len(bench.models.received) == 12
    assert all(one.delta <= 0 for one in found)
    assert next(one.delta for one in found if one.model == "b/y") == 0
    assert {one.model: one.tasks for one in found} == dict.fromkeys(("a/x", "b/y", "c/z"), 4)


def test_a_writer_would_have_to_be_asked_anew() -> None:
    found, bench = left(Arm(name="panel", bound=bound(load(PANEL), {})))
    assert found == []
    assert len(bench.models.received) == 12


def test_one_model_has_nobody_to_leave_out() -> None:
    alone = {**VOTE, "nodes": {"answer": {"kind": "proposer", "model": "a/x"}}, "output": "answer"}
    assert panel_models(Arm(name="one", bound=bound(load(alone), {}))) == ()


def test_a_model_that_also_writes_is_not_left_out() -> None:
    nodes = {**PANEL["nodes"], "answer": {"kind": "synth", "model": "a/x", "inputs": ["panel"]}}  # type: ignore[dict-item]
    assert panel_models(Arm(name="p", bound=bound(load({**PANEL, "nodes": nodes}), {}))) == ("b/y",)
