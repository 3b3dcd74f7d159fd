"""What the shapes of structured replies are made of: capped texts and lists, and labels. Drafts go by label, and only
those that were shown have one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fusion_graph.contracts import JsonSchema, NodeContext
from fusion_graph.kinds._ladder import Unfit
from fusion_graph.outputs import Draft

ITEMS = 32  # entries of a list
DRAFTS = 1024  # entries of a list with one per draft
TEXT: JsonSchema = {"type": "string", "maxLength": 2000}
LABEL: JsonSchema = {"type": "string", "maxLength": 120}

Labels = Mapping[str, str]
"""What a judge may call a draft, to its label: the label itself, and the model's name where that was shown."""

_NAMED = re.compile(
    r"(?:draft|answer|response|reply|model|text)?[\s:#\[(\"'*]*([A-Z]{1,3})[\s\])\"'*.:]*", re.IGNORECASE
)
_LISTED = 30  # labels in a message: enough to see what they look like


def object_of(**properties: JsonSchema) -> JsonSchema:
    """A closed object, every property required."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def list_of(items: JsonSchema, most: int = ITEMS) -> JsonSchema:
    return {"type": "array", "items": items, "maxItems": most}


def labels_of(ctx: NodeContext, drafts: Sequence[Draft]) -> Labels:
    """By label, and by model where names are shown and only one of the drafts is by it."""
    labels = {label: label for label in map(ctx.label, drafts)}
    if ctx.node.model is not None and not ctx.node.model.present.blind:
        models = [draft.model for draft in drafts]
        labels |= {draft.model: ctx.label(draft) for draft in drafts if draft.model and models.count(draft.model) == 1}
    return labels


def find_label(said: Any, labels: Labels) -> str:
    """`A` for `A`, `a`, `Draft A`, `[A]`. Raises Unfit for a draft that was not shown."""
    plain = str(said).strip()
    match = _NAMED.fullmatch(plain)
    found = labels.get(plain) or (labels.get(match.group(1).upper()) if match else None)
    if found is None:
        known = list(dict.fromkeys(labels.values()))
        more = " and so on" if len(known) > _LISTED else ""
        raise Unfit(f"there is no draft {plain[:40]!r}; the labels are {', '.join(known[:_LISTED])}{more}")
    return found


def listed(value: Any) -> list[Any]:
    """A list as it is, one entry as a list of one, nothing as none."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def first_of(entry: Mapping[str, Any], *names: str) -> Any:
    """The value of the first of these names that is there."""
    return next((entry[name] for name in names if name in entry), None)
