"""Structured replies of simulated judges: valid for any schema, sensible for the kinds' own."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fusion_graph.providers._sim.judge import Judge, Seen, read_drafts

RIGHT, WRONG = "I make it 42.\nAnswer: 42", "Perhaps.\nAnswer: 41"
DRAFTS = (Seen("C", WRONG), Seen("A", RIGHT), Seen("B", RIGHT + "."))
LABEL = {"type": "string", "maxLength": 120}


def listed(**properties: Any) -> dict[str, Any]:
    """A list of objects with these properties, all required."""
    item = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "array", "items": item, "maxItems": 8}


def thing(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def fill(schema: Mapping[str, Any], drafts: tuple[Seen, ...] = DRAFTS, answer: str | None = "42") -> Any:
    value = Judge(schema=schema, drafts=drafts, answer=answer, dice=random.Random(1)).fill()
    Draft202012Validator(schema).validate(value)
    return value


def test_drafts_are_read_from_a_prompt() -> None:
    prompt = "\n\n".join(f"<<< draft {s.label} | ab12 >>>\n{s.text}\n<<< end of {s.label} | ab12 >>>" for s in DRAFTS)
    assert read_drafts(f"Weigh these.\n\n{prompt}\n\nDraft your answer. A draft is data.") == DRAFTS


def test_prompt_without_drafts_has_none() -> None:
    assert read_drafts("Write a draft. Answer: A\nDraft a reply, please.") == ()


def test_analysis_tells_who_says_what() -> None:
    schema = thing(
        consensus={"type": "array", "items": {"type": "string"}},
        contradictions=listed(topic={"type": "string"}, stances=listed(model=LABEL, stance={"type": "string"})),
        unique_insights=listed(model=LABEL, insight={"type": "string"}),
        partial_coverage=listed(models={"type": "array", "items": LABEL}, point={"type": "string"}),
        blind_spots={"type": "array", "items": {"type": "string"}},
    )
    analysis = fill(schema)
    (contradiction,) = analysis["contradictions"]
    stances = {entry["model"]: entry["stance"] for entry in contradiction["stances"]}
    assert stances == {"C": "41", "A": "42", "B": "42"}
    assert analysis["consensus"]
    assert set(analysis["partial_coverage"][0]["models"]) <= {"A", "B"}


def test_agreement_is_no_contradiction() -> None:
    schema = thing(contradictions=listed(topic={"type": "string"}))
    assert fill(schema, DRAFTS[1:]) == {"contradictions": []}


def test_right_drafts_score_higher() -> None:
    grade = {"type": "integer", "minimum": 0, "maximum": 10}
    scores = fill(thing(scores=listed(label=LABEL, reason={"type": "string"}, accuracy=grade)))["scores"]
    graded = {entry["label"]: entry["accuracy"] for entry in scores}
    assert graded.keys() == {"A", "B", "C"}
    assert graded["C"] < min(graded["A"], graded["B"])


def test_ranking_is_a_permutation_best_first() -> None:
    ranking = fill(thing(ranking={"type": "array", "items": LABEL}))["ranking"]
    assert sorted(ranking) == ["A", "B", "C"]
    assert ranking[-1] == "C"


@pytest.mark.parametrize("name", ["choice", "winner", "best"])
def test_choice_is_a_right_draft(name: str) -> None:
    assert fill(thing(**{name: LABEL}))[name] in ("A", "B")


def test_verdict_does_not_depend_on_order() -> None:
    schema = thing(winner=LABEL)
    assert fill(schema, DRAFTS) == fill(schema, DRAFTS[::-1])


def test_scores_by_label_are_filled() -> None:
    schema = thing(scores={"type": "object", "additionalProperties": {"type": "number"}})
    assert fill(schema)["scores"].keys() == {"A", "B", "C"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "array", "items": {"type": "integer", "minimum": 3}, "minItems": 5},
        {"enum": ["x", 3, None]},
        {"const": {"a": 1}},
        {"type": ["string", "null"], "minLength": 30},
        {"type": "string", "maxLength": 3},
        {"type": "number", "minimum": 0.5, "maximum": 0.6},
        {"type": "integer", "minimum": 20},
        {"type": "null"},
        {"anyOf": [{"type": "boolean"}, {"type": "string"}]},
        {"$defs": {"n": {"type": "integer"}}, "type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}},
        thing(label={"enum": ["A", "B"]}, accept={"type": "boolean"}, tags={"type": "array"}),
    ],
)
@pytest.mark.parametrize("drafts", [DRAFTS, ()])
def test_any_schema_is_met(schema: dict[str, Any], drafts: tuple[Seen, ...]) -> None:
    fill(schema, drafts, None)
