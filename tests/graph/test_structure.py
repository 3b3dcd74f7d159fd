"""Finding JSON in what models write, and checking it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.graph.structure import compile_check, find_values, mend, parse_strictly, problems
from fusion_graph.kinds._analysis import SCHEMA

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-20, 20) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '  {"a": 1}\n',
        'Here it is:\n```json\n{"a": 1}\n```\nDone.',
        '```\n{"a": 1}```',
        'First I thought. {"a": 1} is my verdict.',
        'A set {x, y} and then {"a": 1}',
    ],
)
def test_object_is_found_wherever_it_stands(text: str) -> None:
    assert next(find_values(text)) == {"a": 1}


def test_last_fenced_block_comes_first() -> None:
    quoted = '```json\n{"choice": "quoted from a draft"}\n```\nbut\n```json\n{"choice": "B"}\n```'
    assert next(find_values(quoted)) == {"choice": "B"}


@pytest.mark.parametrize("text", ["", "no JSON here", "{", "[" * 100_000, "NaN", '{"a": Infinity}'])
def test_nothing_is_found_in_prose(text: str) -> None:
    assert list(find_values(text)) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': 'b'}", {"a": "b"}),
        ('{"a": [1, 2', {"a": [1, 2]}),
        ('Well: {"a": 1,}', {"a": 1}),
        ('{"a": 1 /* so */, "b": 2}', {"a": 1, "b": 2}),
    ],
)
def test_broken_objects_are_mended(text: str, value: Any) -> None:
    assert mend(text) == value


@pytest.mark.parametrize("text", ["I cannot judge these.", "", "just words {"])
def test_prose_is_not_mended_into_objects(text: str) -> None:
    with pytest.raises(ValueError, match="no JSON"):
        mend(text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["{" + "word " * 3000, "{,,," * 500, '{"' * 1000, "[" * 5000, "{#\n" * 2000])
def test_hostile_text_is_not_mended(text: str) -> None:
    with pytest.raises(ValueError, match="could be mended"):
        mend(text)


@pytest.mark.timeout(20)
def test_hostile_text_is_searched_quickly() -> None:
    list(find_values('{"a":' * 200_000))
    list(find_values("```\n{" * 100_000))


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "{", "9" * 5000, "[" * 100_000])
def test_strict_parsing_refuses_what_json_has_not(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_strictly(text)


def test_problems_name_place_and_fault() -> None:
    wrong = problems({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": 1})
    assert wrong == ["$.a: 1 is not of type 'string'"]


def test_problems_are_few_and_short() -> None:
    wrong = problems({"type": "array", "items": {"type": "string"}}, [[0] * 1000] * 50)
    assert len(wrong) == 5
    assert max(map(len, wrong)) <= 200


def test_outside_references_are_never_fetched() -> None:
    assert problems({"$ref": "http://127.0.0.1:9/schema"}, 1) == [
        "the schema refers to 'http://127.0.0.1:9/schema', which is not in it"
    ]


def test_broken_schema_is_the_problem() -> None:
    assert "the schema itself is not valid" in problems({"type": "obj"}, 1)[0]


def test_endless_schema_ends() -> None:
    assert problems({"$ref": "#"}, {"a": 1}) == ["nested too deep"]


def test_quick_check_knows_its_limits() -> None:
    doubtful: list[dict[str, Any]] = [
        {},
        {"type": ["string", "null"]},
        {"type": "string", "pattern": "a"},
        {"type": "odd"},
        {"type": "object", "properties": {}, "required": ["a"]},
    ]
    assert not any(compile_check(schema)("a") for schema in doubtful)


@given(JSON)
def test_quick_yes_is_never_wrong(value: Any) -> None:
    for schema in (SCHEMA, SCHEMA["properties"]["consensus"], {"type": "number", "minimum": 0, "maximum": 9}):
        if compile_check(schema)(value):
            assert problems(schema, value) == []


@given(st.fixed_dictionaries({name: st.lists(st.text(max_size=3) | JSON, max_size=3) for name in SCHEMA["properties"]}))
def test_quick_yes_is_given_where_it_fits(value: Any) -> None:
    assert compile_check(SCHEMA)(value) == (problems(SCHEMA, value) == [])


def test_quick_check_minds_every_cap() -> None:
    whole: dict[str, Any] = {name: [] for name in SCHEMA["properties"]}
    assert compile_check(SCHEMA)(whole)
    assert not compile_check(SCHEMA)(whole | {"consensus": ["x"] * 33})
    assert not compile_check(SCHEMA)(whole | {"consensus": ["x" * 2001]})
    assert not compile_check(SCHEMA)(json.loads('{"consensus": []}'))
