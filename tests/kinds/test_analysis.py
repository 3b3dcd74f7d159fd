"""The analysis: read tolerantly, given strictly."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.graph.structure import problems
from fusion_graph.kinds._analysis import FORM, SCHEMA, read, tidy
from fusion_graph.kinds._ladder import Unfit
from fusion_graph.outputs import Analysis, Contradiction

LABELS = {"A": "A", "B": "B"}
PUBLISHED = Path(__file__).parents[2] / "schemas" / "analysis.schema.json"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*SCHEMA["properties"], "model", "stances", "topic", "issues"]), inner)
    ),
    max_leaves=12,
)


def decode(value: Any) -> Analysis:
    tidied = tidy(value)
    assert problems(SCHEMA, tidied) == []
    return read(tidied, LABELS)


def test_strict_form_is_read() -> None:
    value = {
        "consensus": ["c"],
        "contradictions": [{"topic": "t", "stances": [{"model": "A", "stance": "x"}]}],
        "partial_coverage": [{"models": ["A", "B"], "point": "p"}],
        "unique_insights": [{"model": "B", "insight": "i"}],
        "blind_spots": ["b"],
    }
    assert FORM.fits(value)
    assert tidy(value) == value
    assert decode(value) == Analysis(
        consensus=("c",),
        contradictions=(Contradiction("t", (("A", "x"),)),),
        partial_coverage=((("A", "B"), "p"),),
        unique_insights=(("B", "i"),),
        blind_spots=("b",),
    )


@pytest.mark.parametrize(
    ("value", "field", "read_as"),
    [
        ({"consensus": "one text"}, "consensus", ("one text",)),
        ({"consensus": [{"point": "p"}]}, "consensus", ("p",)),
        ({"consensus": None}, "consensus", ()),
        ({"blind_spots": []}, "consensus", ()),
        ({"analysis": {"blind_spots": ["b"]}}, "blind_spots", ("b",)),
        ({"contradictions": ["t"]}, "contradictions", (Contradiction("t", ()),)),
        (
            {"contradictions": [{"topic": "t", "stances": {"A": "x", "draft B": "y"}}]},
            "contradictions",
            (Contradiction("t", (("A", "x"), ("B", "y"))),),
        ),
        (
            {"contradictions": [{"topic": "t", "stances": ["A: x", "Note: y"]}]},
            "contradictions",
            (Contradiction("t", (("A", "x"), ("", "Note: y"))),),
        ),
        ({"contradictions": [{"topic": "t"}]}, "contradictions", (Contradiction("t", ()),)),
        ({"partial_coverage": ["p"]}, "partial_coverage", (((), "p"),)),
        ({"partial_coverage": [{"models": "A, B", "point": "p"}]}, "partial_coverage", ((("A", "B"), "p"),)),
        ({"partial_coverage": [{"models": "A and B", "point": "p"}]}, "partial_coverage", ((("A", "B"), "p"),)),
        ({"unique_insights": ["i"]}, "unique_insights", (("", "i"),)),
        ({"unique_insights": ["Draft B: i"]}, "unique_insights", (("B", "i"),)),
        ({"unique_insights": [{"label": "b", "insight": "i"}]}, "unique_insights", (("B", "i"),)),
    ],
)
def test_much_is_forgiven(value: Any, field: str, read_as: Any) -> None:
    """wire 2.4: decode the judge tolerantly (a plain string where an object belongs), emit strictly."""
    assert getattr(decode(value), field) == read_as


@pytest.mark.parametrize(
    "value",
    [
        [],
        "text",
        7,
        None,
        {},
        {"other": 1},
        {"consensus": [7]},
        {"consensus": [{"a": "x", "b": "y"}]},
        {"contradictions": [7]},
        {"partial_coverage": [7]},
        {"unique_insights": [{}]},
        {"unique_insights": [7]},
    ],
)
def test_what_is_no_analysis_stays_none(value: Any) -> None:
    assert problems(SCHEMA, tidy(value))


def test_unknown_labels_are_unfit() -> None:
    with pytest.raises(Unfit, match="no draft 'Z'"):
        decode({"unique_insights": [{"model": "Z", "insight": "i"}]})


def test_lists_and_texts_are_capped() -> None:
    """design 2: checked by JSON Schema with array and length caps."""
    assert problems(SCHEMA, tidy({"consensus": ["x"] * 33}))
    assert problems(SCHEMA, tidy({"consensus": ["x" * 2001]}))


@given(JSON)
def test_tidying_never_raises(value: Any) -> None:
    if problems(SCHEMA, tidy(value)) == []:
        with contextlib.suppress(Unfit):
            read(tidy(value), LABELS)


def test_published_schema_is_fresh() -> None:
    """house: schemas are made from the kinds, drift fails the build."""
    published = json.loads(PUBLISHED.read_text("utf-8"))
    assert {key: published[key] for key in SCHEMA} == SCHEMA
    assert published["$schema"].endswith("2020-12/schema")


def test_names_in_one_text_are_told_apart() -> None:
    entry = {"models": f"A, and{' ' * 1000} B & ", "point": "p"}
    assert tidy({"partial_coverage": [entry]})["partial_coverage"] == [{"models": ["A", "B"], "point": "p"}]


def test_blanks_without_end_are_gone_through_once() -> None:
    """Each of them began a search to the end of them: minutes for one reply."""
    entry = {"models": " " * 250_000 + "x", "point": "p"}
    assert tidy({"partial_coverage": [entry]})["partial_coverage"][0]["models"] == ["x"]
