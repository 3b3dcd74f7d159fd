"""What is printed loads as what it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_graph.graph.documents import parse
from fusion_graph.graph.yaml_text import to_yaml

ODD = [
    "010",
    "no",
    "~",
    "1_000",
    ".nan",
    "2024-01-01",
    "0x1",
    "- a",
    "a: b",
    "# x",
    "x #",
    "=",
    "@a",
    "`",
    "%",
    "!t",
    "&a",
    "*a",
]
ODD += [
    "? a",
    " lead",
    "trail ",
    "a\n",
    "\na",
    "a\n b\n",
    "...",
    "---",
    "1e3",
    "0o7",
    "12:30",
    "+1",
    "true",
    "$a",
    "a\r\nb",
    "\x85",
]
ODD += ["\u2028", "\ufeff", "\x00", "'", '"', "{{question}}", "it's", "a\n\n\nb\n\n", "ä: ö", "panel?", "a/b:free@x"]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(ODD)
TEXT = TEXT.filter(lambda text: text != "<<")  # refused as a key, however it is quoted
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(TEXT, VALUES, min_size=1, max_size=3))
def test_any_document_comes_back(document: dict[str, Any]) -> None:
    read, faults = parse(to_yaml(document).encode())
    assert (read.data, faults) == (document, [])


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_come_back(text: str) -> None:
    assert parse(to_yaml({"a": text, "b": [text], text: 1}).encode())[0].data == {"a": text, "b": [text], text: 1}


def test_leaves_stand_in_one_line() -> None:
    printed = to_yaml({"nodes": {"a": {"kind": "synth", "inputs": ["b", "c?"], "when": {"b.chars": {"above": 1}}}}})
    assert "    inputs: [b, c?]\n" in printed
    assert "      b.chars: {above: 1}\n" in printed


def test_paragraphs_are_blocks() -> None:
    assert to_yaml({"prompt": "One.\nTwo {{question}}\n"}) == "prompt: |\n  One.\n  Two {{question}}\n"
