"""One entry to one task: what is kept, what is refused."""

from __future__ import annotations

from typing import Any

from fusion_graph.evals.taskfiles.reading import Findings, read_task
from fusion_graph.graph.yaml.places import Place

CRITERIA = [{"id": "a", "weight": 2, "requirement": "r"}, {"weight": -1, "requirement": "s", "section": "x"}]


def attempt(entry: Any, *, strict: bool = True) -> list[str]:
    findings = Findings("f", lambda _path: Place(1, 1))
    task = read_task(entry, 1, findings, strict=strict)
    assert (task is None) == bool(findings.found)
    return [f"{d.code} {d.message}" for d in findings.found]


def test_own_keys_are_strict_foreign_ones_are_not() -> None:
    entry = {"id": "t", "prompt": "p", "criteria": CRITERIA, "x-note": 1}
    assert attempt(entry) == []
    assert attempt(entry | {"note": 1}) == ["FG111 task t: unknown key 'note'"]
    assert attempt(entry | {"note": 1}, strict=False) == []


def test_two_ways_to_be_right_are_one_too_many() -> None:
    assert attempt({"id": "t", "prompt": "p", "criteria": CRITERIA, "answer": "1"})[0].startswith("FG116")


def test_a_rule_that_is_none_is_refused() -> None:
    wrong = attempt({"id": "t", "prompt": "p", "answer": "1", "extract": {"regexp": "x"}})
    assert wrong[0].startswith("FG114")
    wrong = attempt({"id": "t", "prompt": "p", "answer": "1", "extract": {"regex": "("}})
    assert wrong[0].startswith("FG114 task t: not a regular expression")


def test_numbering_names_criteria_without_an_id() -> None:
    findings = Findings("f", lambda _path: Place(1, 1))
    task = read_task({"id": "t", "prompt": "p", "criteria": CRITERIA}, 1, findings, strict=True)
    assert task is not None
    assert [(c.id, c.section, c.negative) for c in task.criteria] == [("a", "", False), ("c2", "x", True)]
