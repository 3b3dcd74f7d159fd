"""What clearly fits has no errors in jsonschema: a quick yes is never wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fusion_graph.graph.fragments import CALL, LIMITS, PARAM, PRESENT
from fusion_graph.graph.reading.fitting import RULES, fits
from fusion_graph.graph.schema import GRAPH_TOP, PANEL_TOP, node_schema
from fusion_graph.kinds import KINDS

SCHEMAS: dict[str, Any] = {
    **{name: node_schema(kind) for name, kind in KINDS.items()},
    "graph": GRAPH_TOP,
    "panel": PANEL_TOP,
    "limits": LIMITS,
    "param": PARAM,
    "present": PRESENT,
}
WORDS = [
    *KINDS,
    *CALL,
    "x-free",
    "kind",
    "inputs",
    "panel",
    "name",
    "version",
    "default",
    "type",
    "all",
    "top",
    "a/b",
    "a",
    "quorum",
    "",
    "last_number",
]
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 2, -1, 0.5, 3.0, 1e9, *WORDS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(SCHEMAS)), VALUES)
def test_quick_yes_is_never_wrong(name: str, value: Any) -> None:
    if fits(value, SCHEMAS[name]):
        assert not list(Draft202012Validator(SCHEMAS[name]).iter_errors(value))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(SCHEMAS)),
    st.data(),
)
def test_quick_yes_holds_for_likely_values(name: str, data: st.DataObject) -> None:
    schema = SCHEMAS[name]
    keys = data.draw(st.lists(st.sampled_from(sorted(schema["properties"])), unique=True, max_size=4))
    value = {key: data.draw(VALUES) for key in keys} | {key: data.draw(VALUES) for key in schema.get("required", [])}
    if fits(value, schema):
        assert not list(Draft202012Validator(schema).iter_errors(value))


def words(schema: Any) -> set[str]:
    """Every keyword in a schema."""
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for key, value in schema.items():
        if key in ("properties", "patternProperties"):
            found |= {word for part in value.values() for word in words(part)}
        elif key in ("items", "then", "else", "additionalProperties", "propertyNames"):
            found |= words(value)
    return found


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_keyword_of_the_format_is_known(name: str) -> None:
    assert words(SCHEMAS[name]) <= RULES.keys()


def test_keywords_look_at_their_own_type() -> None:
    schema = {"patternProperties": {"^x": {"type": "string"}}, "minLength": 3, "minimum": 3, "minItems": 3}
    assert fits(None, schema)
    assert fits({"x": "a", "y": 1}, schema)
    assert not fits({"x": 1}, schema)


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (True, {"type": "integer"}),
        (1, {"type": "boolean"}),
        (1.0, {"const": 1}),
        (1, {"enum": [1]}),
        ([1, 1.0], {"uniqueItems": True}),
        ("x", {"if": {"const": "x"}, "then": {}}),
        ("x", {"then": {}}),
    ],
)
def test_doubt_is_no_yes(value: Any, schema: dict[str, Any]) -> None:
    assert not fits(value, schema)
