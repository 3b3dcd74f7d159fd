"""The shape of an analysis, also published as schemas/analysis.schema.json. Read tolerantly, given strictly."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from fusion_graph.kinds._ladder import Unfit, make_form
from fusion_graph.kinds._shapes import ITEMS, LABEL, TEXT, Labels, find_label, first_of, list_of, listed, object_of
from fusion_graph.outputs import Analysis, Contradiction

SCHEMA = object_of(
    consensus=list_of(TEXT),
    contradictions=list_of(object_of(topic=TEXT, stances=list_of(object_of(model=LABEL, stance=TEXT)))),
    partial_coverage=list_of(object_of(models=list_of(LABEL), point=TEXT)),
    unique_insights=list_of(object_of(model=LABEL, insight=TEXT)),
    blind_spots=list_of(TEXT),
)
_AND = re.compile(r"[,;&]|\band\b")  # no blanks around it: they would be gone through once for each


def read(value: Any, labels: Labels) -> Analysis:
    """What a value of the schema means. An entry may name nobody; whom it names must be there."""
    return Analysis(
        consensus=tuple(value["consensus"]),
        contradictions=tuple(
            Contradiction(c["topic"], tuple(_attribute(s["model"], s["stance"], labels) for s in c["stances"]))
            for c in value["contradictions"]
        ),
        partial_coverage=tuple(
            (tuple(find_label(m, labels) for m in p["models"]), p["point"]) for p in value["partial_coverage"]
        ),
        unique_insights=tuple(_attribute(u["model"], u["insight"], labels) for u in value["unique_insights"]),
        blind_spots=tuple(value["blind_spots"]),
    )


def _attribute(model: str, said: str, labels: Labels) -> tuple[str, str]:
    """Whose it is, and what. Some write the label before the text."""
    if model.strip():
        return find_label(model, labels), said
    head, colon, tail = said.partition(":")
    try:
        return (find_label(head, labels), tail.strip()) if colon else ("", said)
    except Unfit:
        return "", said


# --- what is forgiven -------------------------------------------------------------------------------------------------


def tidy(value: Any) -> Any:
    """Text where an object belongs, one entry where a list belongs, missing lists, other names for the same thing."""
    if isinstance(value, dict) and isinstance(value.get("analysis"), dict):
        value = value["analysis"]
    if not isinstance(value, dict) or not value.keys() & _TIDY.keys():
        return value
    return {name: [tidied(entry) for entry in listed(value.get(name))] for name, tidied in _TIDY.items()}


def _text(entry: Any) -> Any:
    """The only text of an object is meant."""
    if isinstance(entry, dict):
        texts = [part for part in entry.values() if isinstance(part, str)]
        return texts[0] if len(texts) == 1 else entry
    return entry


def _contradiction(entry: Any) -> Any:
    if isinstance(entry, str):
        return {"topic": entry, "stances": []}
    if not isinstance(entry, dict):
        return entry
    stances = entry.get("stances")
    if isinstance(stances, dict) and not stances.keys() & {"model", "stance"}:
        stances = [{"model": model, "stance": stance} for model, stance in stances.items()]
    return {"topic": entry.get("topic"), "stances": [_attributed(s, "stance") for s in listed(stances)]}


def _coverage(entry: Any) -> Any:
    if isinstance(entry, str):
        return {"models": [], "point": entry}
    if not isinstance(entry, dict):
        return entry
    models = first_of(entry, "models", "model", "drafts")
    if isinstance(models, str):
        models = [name for name in map(str.strip, _AND.split(models)) if name]
    return {"models": listed(models), "point": entry.get("point")}


def _attributed(entry: Any, what: str) -> Any:
    if isinstance(entry, str):
        return {"model": "", what: entry}
    if not isinstance(entry, dict):
        return entry
    return {"model": first_of(entry, "model", "label", "draft") or "", what: entry.get(what)}


_TIDY: Mapping[str, Callable[[Any], Any]] = {
    "consensus": _text,
    "contradictions": _contradiction,
    "partial_coverage": _coverage,
    "unique_insights": lambda entry: _attributed(entry, "insight"),
    "blind_spots": _text,
}
FORM = make_form(
    "analysis",
    SCHEMA,
    '{"consensus": ["..."],\n'
    ' "contradictions": [{"topic": "...", "stances": [{"model": "<label>", "stance": "..."}]}],\n'
    ' "partial_coverage": [{"models": ["<label>"], "point": "..."}],\n'
    ' "unique_insights": [{"model": "<label>", "insight": "..."}],\n'
    ' "blind_spots": ["..."]}\n'
    f"A <label> is the letter of a draft alone. No list has more than {ITEMS} entries.",
    tidy,
)
