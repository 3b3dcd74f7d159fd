"""What the operator says of models is read, or named where it is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.facts import Facts, read_facts


def test_facts_are_read() -> None:
    table = {"a/x": {"context_length": 8, "input": ["image", "text"]}, "b/y": {"max_completion_tokens": 4}}
    assert read_facts(table) == {
        "a/x": Facts(context_length=8, input=("text", "image")),
        "b/y": Facts(max_completion_tokens=4),
    }


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ([], "facts"),
        ({"a/x": 7}, "a/x"),
        ({"a/x": {"windw": 7}}, "windw"),
        ({"a/x": {"context_length": "8k"}}, "context_length"),
        ({"a/x": {"context_length": 0}}, "context_length"),
        ({"a/x": {"input": "image"}}, "input"),
        ({"a/x": {"input": ["smell"]}}, "smell"),
    ],
)
def test_wrong_fact_is_named(table: Any, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        read_facts(table)
