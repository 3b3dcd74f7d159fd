"""A client's `response_format`: what is wrong with it is the client's fault, before anything is spent."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.server._errors import Refused
from fusion_graph.server._wires.forms import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_KINDS,
    MAX_PARTS,
    MAX_VALUES,
    SCHEMA,
    read_flat_format,
    read_format,
)
from tests.server.stand import ONE, stand


def form(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "r", "schema": schema}}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "param", "code"),
    [
        ({"type": "strang"}, f"{SCHEMA}.type", "invalid_schema"),
        ({"type": "object", "required": "a"}, f"{SCHEMA}.required", "invalid_schema"),
        ({"properties": {"a": 7}}, f"{SCHEMA}.properties.a", "invalid_schema"),
        ({"minLength": -1}, f"{SCHEMA}.minLength", "invalid_schema"),
        ({"anyOf": [{}, {"$ref": "http://x/"}]}, f"{SCHEMA}.anyOf[1].$ref", None),
        (nested(MAX_DEPTH), SCHEMA, "too_deep"),
        ({"properties": {str(i): {} for i in range(MAX_PARTS)}}, SCHEMA, "too_complex"),
        ({"properties": {str(i): True for i in range(MAX_PARTS)}}, SCHEMA, "too_complex"),
        ({"required": [str(i) for i in range(MAX_VALUES)]}, SCHEMA, "too_complex"),
        ({"type": [None, *map(str, range(MAX_KINDS))]}, f"{SCHEMA}.type", "too_complex"),
        ({"title": "x" * MAX_BYTES}, SCHEMA, "too_complex"),
        ({"maximum": float("inf")}, SCHEMA, None),
        ([], SCHEMA, None),
    ],
)
def test_schema_that_is_none_is_refused_by_name(schema: Any, param: str, code: str | None) -> None:
    with pytest.raises(Refused) as refused:
        read_format(form(schema))
    assert (refused.value.http_status, refused.value.param, refused.value.code) == (400, param, code)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        None,
        {"type": ["string", "null"], "pattern": "(("},
        {"$defs": {"a": {"type": "string"}}, "properties": {"x": {"$ref": "#/$defs/a"}}},
        {"properties": {"$ref": {"type": "string"}, "format": {"enum": ["a"]}}},
        nested(MAX_DEPTH - 1),
    ],
)
def test_schema_that_is_one_goes_through(schema: Any) -> None:
    assert read_format(form(schema)) == form(schema)


def test_text_is_no_format() -> None:
    assert read_format({"type": "text"}) is None


@pytest.mark.parametrize("stream", [False, True])
async def test_nothing_is_spent_on_a_wrong_schema(stream: bool) -> None:
    async with stand(None, ONE) as at:
        status, body = await at.ask(model="one", stream=stream, response_format=form({"type": "strang"}))
        assert at.upstream.received == []
    assert (status, body["error"]["code"]) == (400, "invalid_schema")


# --- the form of the younger wires ---


PLAIN = {"type": "object"}


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        (None, None),
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "json_object"}),
        (
            {"type": "json_schema", "name": "x", "schema": PLAIN, "strict": True, "odd": 1},
            {"type": "json_schema", "json_schema": {"name": "x", "schema": PLAIN, "strict": True}},
        ),
        (
            {"type": "json_schema", "schema": PLAIN},
            {"type": "json_schema", "json_schema": {"name": "answer", "schema": PLAIN}},
        ),
    ],
)
def test_flat_form_becomes_what_goes_upstream(form: Any, wanted: Any) -> None:
    assert read_flat_format(form, "format", "answer") == wanted


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("format", 7),
        ("format.type", {}),
        ("format.name", {"type": "json_schema", "name": 7, "schema": PLAIN}),
        ("format.strict", {"type": "json_schema", "schema": PLAIN, "strict": "yes"}),
        ("format.description", {"type": "json_schema", "schema": PLAIN, "description": 7}),
        ("format.schema", {"type": "json_schema"}),
        ("format.schema.items.$ref", {"type": "json_schema", "schema": {"items": {"$ref": "http://x.example"}}}),
    ],
)
def test_mistake_in_a_flat_form_is_named_with_its_path(path: str, form: Any) -> None:
    with pytest.raises(Refused) as refused:
        read_flat_format(form, "format", "answer")
    assert refused.value.param == path
