"""Broken YAML is told in words that help."""

from __future__ import annotations

import pytest

from fusion_graph.graph.yaml.composer import Composer
from fusion_graph.graph.yaml.places import Fault


def fault_of(text: str) -> Fault:
    composer = Composer()
    composer.compose(text)
    (fault,) = composer.faults
    return fault


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: {b: 1\nc: {d: 2}\n", "got ':' while parsing a map in braces that begins at 1:4"),
        ("a: [b, {c:\n", "this is not YAML: the file ends while something is open"),
        ("a: [b\nc: d\n", "got ':' while parsing a list in brackets that begins at 1:4"),
        ("a: 'b\n", "the quote that opens here is not closed"),
        ("a:\n  b: c\n d: e\n", "this line does not fit while parsing a map that begins at 1:1"),
        ("a:\n  - b\n  c: d\n", "this line does not fit while parsing a list that begins at 2:3"),
    ],
)
def test_what_is_not_closed_is_named_with_its_beginning(text: str, told: str) -> None:
    assert fault_of(text).message.endswith(told)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("\ta: b\n", "indent with spaces"),
        ("a: [b, {c:\n", "close every bracket and brace"),
        ('a: "b\n', "end the text with the same quote"),
        ("a: @b\n", "put the text in quotes"),
        ("a: b\n c: d\n", ""),
        ("a:\n  - b\n  c: d\n", "what belongs to one map or list begins in one column"),
        ("a: \x1b[31m\n", "is this a text file?"),
    ],
)
def test_a_frequent_slip_gets_a_hint(text: str, hint: str) -> None:
    assert fault_of(text).hint == hint


@pytest.mark.parametrize("text", ['x: 1\na: "b\nc: d\n', "x: 1\na: 'b\nc: d"])
def test_open_quote_is_where_it_opens(text: str) -> None:
    assert (fault_of(text).place.line, fault_of(text).place.col) == (2, 4)
