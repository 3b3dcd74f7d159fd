"""Sets of tasks: parts of them know that they are parts."""

from __future__ import annotations

from fusion_graph.evals.taskfiles import load


def test_first_tasks_are_a_subset() -> None:
    whole = load("sample")
    assert whole.first(None) is whole
    assert not whole.subset
    assert whole.first(3).subset
    assert [task.id for task in whole.first(3).tasks] == [task.id for task in whole.tasks[:3]]
