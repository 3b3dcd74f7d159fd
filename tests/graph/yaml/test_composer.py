"""Random text never breaks the composer, and what it accepts is bounded."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_graph.graph.yaml.composer import MAX_DEPTH, MAX_VALUES, Composer

PIECES = [
    "a: ",
    "- ",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    ",",
    ": ",
    "&x ",
    "*x",
    "!t ",
    "<<: ",
    "|\n",
    ">\n",
    "'",
    '"',
    "#",
    "\t",
]
PIECES += ["?", "---\n", "...\n", "%YAML 1.1\n", "\\ud800", "010", "é", "\x85", "\u2028", "x"]


def compose(text: str) -> Composer:
    composer = Composer()
    composer.compose(text)
    return composer


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=60))
def test_random_text_gives_values_or_faults(text: str) -> None:
    composer = compose(text)
    assert all(f.code in ("FG101", "FG102", "FG103", "FG104", "FG105", "FG106") for f in composer.faults)
    assert all(f.place.line >= 1 and f.place.col >= 1 for f in composer.faults)


def test_an_empty_key_beside_an_unreadable_one_is_another() -> None:
    composer = compose("{[1]: a, '': b, '': c}")
    assert [fault.code for fault in composer.faults] == ["FG106", "FG104"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9999, 9999) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_json_is_read_as_json(value: object) -> None:
    composer = compose(json.dumps({"a": value}))
    assert composer.data == {"a": value} or "merge keys" in composer.faults[0].message


@pytest.mark.parametrize(("text", "code"), [("*x : 1\nb: 2\n", "FG105"), ('"\\ud800": 1\nb: 2\n', "FG106")])
def test_key_that_is_none_is_passed_over(text: str, code: str) -> None:
    composer = compose(text)
    assert [f.code for f in composer.faults] == [code]
    assert composer.data["b"] == 2


def test_bounds_are_exact() -> None:
    assert not compose("[" * MAX_DEPTH + "]" * MAX_DEPTH).faults
    assert compose("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)).faults[0].code == "FG102"
    assert not compose("[" + ",".join("1" * (MAX_VALUES - 1)) + "]").faults
    assert compose("[" + ",".join("1" * MAX_VALUES) + "]").faults[0].code == "FG102"


def test_first_of_two_equal_keys_stays() -> None:
    composer = compose("a: {x: 1}\na: {y: 2}\n")
    assert composer.data == {"a": {"x": 1}}
