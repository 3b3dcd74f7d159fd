"""Fills a JSON Schema the way a judge would: from the drafts in the prompt where it can read them. Pure.

It knows no kind's schema; it goes by the names and types of the properties, so any structured reply comes out valid.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_LABELLED = re.compile(r"^\W{0,6}(?:draft|candidate|response)\W{1,4}([A-Z]{1,3})\b.*$", re.IGNORECASE | re.MULTILINE)
_END = re.compile(r"^\W{0,6}end of\b.*", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_ANSWER = re.compile(r"Answer:\s*([^\n<{\[]{1,80})")
_LABEL_NAMES = frozenset({"label", "model", "draft", "choice", "best", "winner", "selected", "pick", "id", "better"})
_YES_NAMES = frozenset({"accept", "accepted", "acceptable", "ok", "pass", "passed", "approved", "done", "correct"})
_MOST_ITEMS = 3

Schema = Mapping[str, Any]


class Seen(NamedTuple):
    """A draft as the prompt shows it."""

    label: str
    text: str

    @property
    def answer(self) -> str:
        """What stands behind its last `Answer:`, else nothing."""
        said = _ANSWER.findall(self.text)
        return said[-1].strip(" .*\"'`") if said else ""


def read_drafts(prompt: str) -> tuple[Seen, ...]:
    """The labelled drafts in a prompt, in the order shown; empty if it shows none in a way that is understood."""
    places = [match for match in _LABELLED.finditer(prompt) if match.group(1).isupper()]
    found: dict[str, Seen] = {}
    for number, place in enumerate(places):
        end = places[number + 1].start() if number + 1 < len(places) else len(prompt)
        label, text = place.group(1), _END.sub("", prompt[place.end() : end]).strip()
        if text and label not in found:
            found[label] = Seen(label, text)
    return tuple(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """One filling. `answer` is what the simulated judge itself holds for right, if the question has one."""

    schema: Schema
    drafts: Sequence[Seen] = ()
    answer: str | None = None
    dice: random.Random = field(repr=False)

    def fill(self) -> Any:
        return self._value(self.schema, "", None)

    def quality(self, seen: Seen) -> float:
        """0..1, the same wherever the draft stands in the prompt: right answers high, else a taste of its own."""
        taste = hashlib.sha256(seen.text.encode()).digest()[0] / 255
        if self.answer is None or not seen.answer:
            return 0.4 + 0.5 * taste
        return 0.8 + 0.2 * taste if seen.answer == self.answer else 0.1 + 0.2 * taste

    @property
    def ranked(self) -> list[Seen]:
        return sorted(self.drafts, key=self.quality, reverse=True)

    # --- by type ---

    def _value(self, schema: Schema, name: str, about: Seen | None) -> Any:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._choice(list(schema["enum"]), about)
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "object":
            return self._object(schema, about)
        if kind == "array":
            return self._array(schema, name, about)
        if kind in ("number", "integer"):
            return self._number(schema, kind, about)
        if kind == "boolean":
            return name.lower() in _YES_NAMES and self.dice.choice((True, False))
        return None if kind == "null" else self._string(schema, name, about)

    def _resolved(self, schema: Schema) -> Schema:
        for word in ("anyOf", "oneOf", "allOf"):
            if schema.get(word):
                return self._resolved(schema[word][0])
        target = schema.get("$ref", "")
        if not target.startswith("#/"):
            return schema
        found: Any = self.schema
        for part in target[2:].split("/"):
            found = found[part]
        return self._resolved(found)

    def _object(self, schema: Schema, about: Seen | None) -> dict[str, Any]:
        more = schema.get("additionalProperties")
        if not schema.get("properties") and isinstance(more, Mapping):
            return {seen.label: self._value(more, "score", seen) for seen in self.drafts}
        return {name: self._value(part, name, about) for name, part in schema.get("properties", {}).items()}

    def _array(self, schema: Schema, name: str, about: Seen | None) -> list[Any]:
        items = self._resolved(schema.get("items", {"type": "string"}))
        most = schema.get("maxItems", 100)
        made: list[Any]
        if about is not None and name in ("models", "labels"):
            made = [about.label]
        elif name == "contradictions":
            made = [self._object(items, None)] if len(self._answers()) > 1 else []
        elif name in ("partial_coverage", "unique_insights"):
            made = [self._value(items, name, seen) for seen in self.ranked[:1]]
        elif self._names_drafts(items, name):
            drafts = self.ranked if "rank" in name else self.drafts
            made = [self._value(items, "label", seen) for seen in drafts]
        else:
            made = [self._value(items, name, about) for _ in range(min(self._count(name), most))]
        while len(made) < schema.get("minItems", 0):
            made.append(self._value(items, name, about))
        return made[:most]

    def _names_drafts(self, items: Schema, name: str) -> bool:
        """Is this a list with an entry for each draft?"""
        if not self.drafts:
            return False
        if items.get("type") == "object":
            return bool(_LABEL_NAMES & set(items.get("properties", {})))
        return name in ("ranking", "order", "models", "labels", "rank") or set(items.get("enum", ())) >= {
            seen.label for seen in self.drafts
        }

    def _count(self, name: str) -> int:
        return 1 if name in ("consensus", "blind_spots") or not self.drafts else min(len(self.drafts), _MOST_ITEMS)

    def _number(self, schema: Schema, kind: str, about: Seen | None) -> float | int:
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        high = schema.get("maximum", schema.get("exclusiveMaximum", max(low + 1, 10)))
        share = self.quality(about) if about else 0.5 + 0.4 * self.dice.random()
        value = float(low + (high - low) * share)
        return round(value) if kind == "integer" else round(value, 2)

    def _choice(self, options: list[Any], about: Seen | None) -> Any:
        if about is not None and about.label in options:
            return about.label
        best = next((seen.label for seen in self.ranked if seen.label in options), None)
        return best if best is not None else self.dice.choice(options)

    def _string(self, schema: Schema, name: str, about: Seen | None) -> str:
        if name.lower() in _LABEL_NAMES and self.drafts:
            text = (about or self.ranked[0]).label
        else:
            text = self._sentence(name, about)
        least = schema.get("minLength", 0)
        return text[: schema.get("maxLength", 2000)].ljust(least, ".")

    # --- words ---

    def _answers(self) -> Counter[str]:
        return Counter(seen.answer for seen in self.drafts if seen.answer)

    def _sentence(self, name: str, about: Seen | None) -> str:
        answers = self._answers()
        if name == "topic":
            return "what the answer is"
        if name == "stance" and about is not None:
            return about.answer or "says nothing of it"
        if name == "consensus":
            return (
                f"Most drafts answer {answers.most_common(1)[0][0]}." if answers else "The drafts agree on the outline."
            )
        if name == "blind_spots":
            return "No draft says how its answer could be checked."
        if name in ("answer", "final_answer") and self.answer:
            return self.answer
        if about is not None:
            return f"Draft {about.label} says: {about.text[:80]}"
        return (
            "Simulated: nothing to object to."
            if name in ("issues", "critique", "reason")
            else f"Simulated {name or 'text'}."
        )
