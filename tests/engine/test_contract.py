"""What a request demands of the answer's form (semantics 3)."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.engine.contract import breach, wanted_schema
from fusion_graph.messages import Completion, Sampling, ToolCall

CALL = Completion(tool_calls=(ToolCall(id="1", name="look", arguments="{}"),))


def form(schema: dict[str, Any] | None = None, kind: str = "json_schema") -> Sampling:
    described = {"json_schema": {"name": "r", "schema": schema}} if schema is not None else {}
    return Sampling(response_format={"type": kind, **described})


def breaks(asked: Sampling | None, text: str) -> bool:
    return bool(breach(asked, Completion(text=text)))


@pytest.mark.parametrize("asked", [None, Sampling(), Sampling(max_tokens=3), form(kind="text")])
def test_plain_text_is_fine_where_nothing_is_asked(asked: Sampling | None) -> None:
    assert not breaks(asked, "anything")


@pytest.mark.parametrize(
    ("text", "broken"),
    [('{"x": 1}', False), ('{"x": "1"}', True), ("{}", True), ("x", True), ("", True), ("[1]", True)],
)
def test_schema_is_checked(text: str, broken: bool) -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    assert breaks(form(schema), text) is broken


@pytest.mark.parametrize(
    ("text", "broken"), [("{}", False), ('{"a": 1}', False), ("[]", True), ("7", True), ("{", True)]
)
def test_json_object_is_any_object(text: str, broken: bool) -> None:
    assert breaks(form(kind="json_object"), text) is broken


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "look"}}])
def test_forced_tool_call_must_come(choice: Any) -> None:
    asked = Sampling(tool_choice=choice)
    assert breach(asked, Completion(text="words"))
    assert not breach(asked, CALL)


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_free_tool_choice_demands_nothing(choice: Any) -> None:
    assert not breaks(Sampling(tool_choice=choice), "words")


def test_tool_call_needs_no_json() -> None:
    # semantics 3: a draft with tool calls is an answer
    assert not breach(form({"type": "object"}), CALL)


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "^(a+)+$"},
        {"properties": {"x": {"format": "regex", "pattern": "(x+)+y"}}},
        {"$ref": "http://elsewhere/schema.json"},
        {"prefixItems": [{"patternProperties": {"^(a+)+$": {}}}]},
    ],
)
def test_schema_of_a_stranger_runs_and_fetches_nothing(schema: dict[str, Any]) -> None:
    assert not breaks(form(schema), '{"x": "' + "a" * 40 + '!"}')


def test_deep_schema_is_bounded() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(200):
        schema = {"properties": {"x": schema}}
    assert not breaks(form(schema), '{"x": 1}')


def test_problems_are_told_in_words() -> None:
    assert "x" in breach(form({"required": ["x"], "type": "object"}), Completion(text="{}"))
    assert breach(form({"type": "object"}), Completion(text="no")) == "the text is not JSON"


def test_wanted_schema_by_type() -> None:
    assert wanted_schema(Sampling()) is None
    assert wanted_schema(form(kind="json_object")) == {"type": "object"}
    assert wanted_schema(form({"type": "array"})) == {"type": "array"}
    assert wanted_schema(form()) == {}
