"""Scores, rankings, choices, comparisons, critiques: what is forgiven and what is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.graph.structure import problems
from fusion_graph.kinds import _verdicts as v
from fusion_graph.kinds._ladder import Form, Unfit

LABELS = {"A": "A", "B": "B", "C": "C"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["A", "B", "tie", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["scores", "label", "score", "ranking", "choice", "winner", "issues", "accept", "accuracy"]
            ),
            inner,
        )
    ),
    max_leaves=10,
)


def decode(form: Form, read: Callable[[Any], Any], value: Any) -> Any:
    tidied = form.tidy(value)
    assert problems(form.schema, tidied) == []
    return read(tidied)


def scores(value: Any) -> dict[str, float]:
    found: dict[str, float] = decode(v.SCORES, lambda value: v.read_scores(value, LABELS), value)
    return found


def graded(label: str, accuracy: float, completeness: float = 10, clarity: float = 10) -> dict[str, Any]:
    grades = {"accuracy": accuracy, "completeness": completeness, "clarity": clarity}
    return {"label": label, "reason": "so", **grades}


def test_accuracy_is_a_ceiling() -> None:
    found = scores({"scores": [graded("A", 3), graded("B", 10, 7, 4), graded("C", 10)]})
    assert found == {"A": 3, "B": 7, "C": 10}


@pytest.mark.parametrize(
    "value",
    [
        {"scores": {"A": 3, "B": 7, "C": 10}},
        {"A": 3, "B": 7, "C": 10},
        [{"label": "A", "score": 3}, {"draft": "draft B", "score": 7}, {"model": "C", "score": 10}],
        {"scores": {"A": graded("A", 3), "B": graded("B", 7, 7, 7), "C": graded("C", 10)}},
    ],
)
def test_simple_scores_are_forgiven(value: Any) -> None:
    assert scores(value) == {"A": 3, "B": 7, "C": 10}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([graded("A", 3), graded("B", 3)], "C is missing"),
        ([graded("A", 3), graded("A", 3), graded("B", 3), graded("C", 3)], "A is there 2 times"),
        ([graded("A", 3), graded("B", 3), graded("Z", 3)], "no draft 'Z'"),
    ],
)
def test_every_draft_is_scored_once(value: Any, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        scores(value)


@pytest.mark.parametrize("value", [{"A": 11, "B": 1, "C": 1}, {"A": "good"}, [graded("A", -1)], 7, "A: 3"])
def test_wild_scores_do_not_fit(value: Any) -> None:
    assert problems(v.SCORES.schema, v.SCORES.tidy(value))


@pytest.mark.parametrize(
    "value",
    [
        {"reason": "so", "ranking": ["B", "A", "C"]},
        {"ranking": "B > A > C"},
        ["B", "Draft A", "c"],
        {"order": [{"label": "B"}, {"draft": "A"}, {"model": "C"}]},
    ],
)
def test_ranking_is_read(value: Any) -> None:
    assert decode(v.RANKING, lambda value: v.read_ranking(value, LABELS), value) == ["B", "A", "C"]


@pytest.mark.parametrize("ranking", [["A", "B"], ["A", "B", "C", "A"], ["A", "B", "Z"], []])
def test_ranking_is_a_permutation(ranking: list[str]) -> None:
    with pytest.raises(Unfit):
        v.read_ranking({"ranking": ranking}, LABELS)


@pytest.mark.parametrize("value", [{"choice": "B"}, {"reason": "so", "best": "draft B"}, {"winner": "[B]"}])
def test_choice_is_read(value: Any) -> None:
    assert decode(v.CHOICE, lambda value: v.read_choice(value, LABELS), value) == "B"


@pytest.mark.parametrize(
    ("value", "winner"),
    [({"winner": "A"}, "A"), ({"better": "a"}, "A"), ({"winner": "Tie"}, v.TIE), ({"winner": "neither"}, v.TIE)],
)
def test_comparison_is_read(value: Any, winner: str) -> None:
    assert decode(v.COMPARISON, lambda value: v.read_comparison(value, LABELS), value) == winner


@pytest.mark.parametrize(
    ("value", "critique"),
    [
        ({"issues": [{"problem": "p", "fix": "f"}], "accept": False}, v.Critique((("p", "f"),), accept=False)),
        ({"issues": ["p"], "accept": False}, v.Critique((("p", ""),), accept=False)),
        ({"issues": "p", "accepted": False}, v.Critique((("p", ""),), accept=False)),
        ({"accept": True}, v.Critique((), accept=True)),
    ],
)
def test_critique_is_read(value: Any, critique: v.Critique) -> None:
    assert decode(v.CRITIQUE, v.read_critique, value) == critique


def test_rated_critique_has_a_score() -> None:
    value = {"issues": ["p"], "accuracy": 5, "completeness": 9, "clarity": 10, "accept": False}
    assert decode(v.RATED_CRITIQUE, v.read_critique, value).score == 5


def test_unaccepted_text_needs_an_issue() -> None:
    with pytest.raises(Unfit, match="name what is wrong"):
        v.read_critique({"issues": [], "accept": False})


FORMS = [v.SCORES, v.RANKING, v.CHOICE, v.COMPARISON, v.CRITIQUE, v.RATED_CRITIQUE]


@given(JSON)
def test_tidying_never_raises(value: Any) -> None:
    for form in FORMS:
        problems(form.schema, form.tidy(value))


@pytest.mark.parametrize("form", FORMS)
def test_every_shape_is_capped(form: Form) -> None:
    """design 2: array and length caps in every schema."""

    def walk(schema: Any) -> None:
        if schema["type"] == "string":
            assert "maxLength" in schema
        if schema["type"] == "array":
            assert "maxItems" in schema
            walk(schema["items"])
        for part in schema.get("properties", {}).values():
            walk(part)

    walk(form.schema)
