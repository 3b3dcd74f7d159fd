"""Checks against a JSON Schema that end (graph/patience). What is counted is steps: no clock here."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fusion_graph.graph.patience import OutOfPatienceError
from fusion_graph.graph.structure import misfits, problems

NASTY: list[tuple[str, dict[str, Any], Any]] = [
    ("unique objects", {"uniqueItems": True}, [{"a": i} for i in range(1000)]),
    ("unique, mixed", {"uniqueItems": True}, [i if i % 2 else str(i) for i in range(1000)]),
    (
        "many branches",
        {"allOf": [{"additionalProperties": {"type": "integer"}}] * 300},
        {str(i): 1 for i in range(500)},
    ),
    ("one large value, many branches", {"anyOf": [False] * 900}, ["x" * 200_000]),
    ("a large value", {"type": "array"}, ["x" * 500] * 500_000),
    ("a long list to compare with", {"contains": {"enum": list(range(9000))}}, [-1] * 500),
]


@pytest.mark.parametrize(("schema", "value"), [case[1:] for case in NASTY], ids=[case[0] for case in NASTY])
def test_check_is_given_up(schema: dict[str, Any], value: Any) -> None:
    with pytest.raises(OutOfPatienceError):
        misfits(schema, value, most=3)
    assert problems(schema, value) == ["it is too large to be checked"]


def test_what_was_found_before_is_told() -> None:
    assert misfits({"items": {"type": "integer"}}, ["x"] * 20_000, most=1) == ["#/items/type"]


def test_large_honest_answer_is_checked_whole() -> None:
    row = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": ["string", "null"]}}}
    schema = {"type": "object", "properties": {"rows": {"type": "array", "items": {**row, "required": ["id"]}}}}
    rows: list[dict[str, Any]] = [{"id": i, "name": f"name {i}"} for i in range(5000)]
    assert len(json.dumps(rows)) > 100_000
    assert misfits(schema, {"rows": rows}, most=3) == []
    rows[-1]["id"] = "x"
    assert misfits(schema, {"rows": rows}, most=3) == ["#/properties/rows/items/properties/id/type"]


def test_equal_texts_and_numbers_are_found_in_long_lists() -> None:
    words = [str(i) for i in range(20_000)]
    assert misfits({"uniqueItems": True}, words, most=3) == []
    assert misfits({"uniqueItems": True}, [*words, "7"], most=3) == ["#/uniqueItems"]
