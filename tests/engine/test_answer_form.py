"""What a request demands of the answer's form (semantics 3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fusion_graph.engine.answer_form import breach, flaw, wanted_schema
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


@pytest.mark.parametrize("text", ['{"n": "SECRET"}', '{"n": 1, "SECRET": 1}', '{"n": {"SECRET": 1}}'])
def test_what_is_broken_is_told_without_a_word_of_the_text(text: str) -> None:
    """The text is a stranger's, and what is told of it stands where people read what went wrong."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
    told = breach(form(schema), Completion(text=text))
    assert told.startswith("it does not keep #/")
    assert "SECRET" not in told


def test_wanted_schema_by_type() -> None:
    assert wanted_schema(Sampling()) is None
    assert wanted_schema(form(kind="json_object")) == {"type": "object"}
    assert wanted_schema(form({"type": "array"})) == {"type": "array"}
    assert wanted_schema(form()) == {}


def test_property_may_be_called_like_a_keyword() -> None:
    names = ("pattern", "format", "$ref")
    schema = {"properties": {name: {"type": "string", "pattern": "("} for name in names}, "additionalProperties": False}
    assert not breaks(form(schema), '{"pattern": "a", "format": "b", "$ref": "c"}')
    assert breaks(form(schema), '{"pattern": 7}')
    assert breaks(form(schema), '{"other": "a"}')


def test_values_are_compared_whole() -> None:
    assert not breaks(form({"const": {"format": 1}}), '{"format": 1}')
    assert breaks(form({"const": {"format": 1}}), "{}")


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        ({"type": "strang"}, "$.type"),
        ({"properties": {"a": {"required": "a"}}}, "$.properties.a.required"),
        ({"anyOf": []}, "$.anyOf"),
    ],
)
def test_flaw_is_found_where_it_is(schema: dict[str, Any], where: str) -> None:
    found = flaw(schema)
    assert found is not None
    assert found[0] == where


def test_expressions_are_no_flaw_of_ours() -> None:
    """They are never compiled, so they are not looked at either."""
    assert flaw({"type": "string", "pattern": "((", "$ref": 7}) is None


def test_schema_that_takes_too_long_is_not_kept() -> None:
    """Nobody may hold up everybody else with a schema, whatever the model plays along with."""
    told = breach(form({"uniqueItems": True}), Completion(text=json.dumps([{"a": i} for i in range(2000)])))
    assert "more than 100000 steps" in told
    inner: dict[str, Any] = {"properties": {"a": {}}}
    for _ in range(30):
        inner = {"if": inner, "then": {}, "unevaluatedProperties": {"type": "integer"}}
    assert not breaks(form(inner), '{"b": 1}')
