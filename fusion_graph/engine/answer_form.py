"""What a request demands of the answer's form: a `response_format`, a forced tool call (semantics 3, request contract).

It binds every writer of the answer. Not streamed it is part of `usable`; streamed it passes through and a mismatch is
degraded. A caller's schema is only walked, for so many steps: it never reaches a regex compiler and fetches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.graph.patience import STEPS, OutOfPatienceError
from fusion_graph.graph.structure import misfits, parse_strictly, schema_flaw
from fusion_graph.messages import Completion, Sampling
from fusion_graph.outputs import Draft

UNTRUSTED = frozenset({"pattern", "patternProperties", "format", "$ref", "$dynamicRef", "$schema", "$id"}) | {
    "unevaluatedItems",  # these two check all within them again, and so on inwards: it doubles with each level
    "unevaluatedProperties",
}
NAMED = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
"""Keywords under which names stand, and a schema under each."""
VALUES = frozenset({"const", "enum", "default", "examples"})
DEPTH = 32


def breach(asked: Sampling | None, reply: Completion | Draft) -> str:
    """What of the request's contract a reply breaks, in words of ours and the request's; "" if nothing."""
    if asked is None:
        return ""
    if asked.tool_choice == "required" or isinstance(asked.tool_choice, Mapping):
        return "" if reply.tool_calls else "a tool call was demanded and none came"
    schema = wanted_schema(asked)
    if schema is None or reply.tool_calls:
        return ""
    try:
        value = parse_strictly(reply.text)
    except ValueError:
        return "the text is not JSON"
    try:
        broken = misfits(_tame(schema), value, most=3)
    except OutOfPatienceError:
        return f"whether it keeps the schema takes more than {STEPS} steps to find out"
    return f"it does not keep {'; '.join(broken)}" if broken else ""


def wanted_schema(asked: Sampling) -> Mapping[str, Any] | None:
    """The JSON Schema of a `response_format`; of `json_object` any object; None where plain text is fine."""
    form = asked.response_format or {}
    if form.get("type") == "json_object":
        return {"type": "object"}
    if form.get("type") != "json_schema":
        return None
    schema: Mapping[str, Any] = form.get("json_schema", {}).get("schema") or {}
    return schema


def flaw(schema: Mapping[str, Any]) -> tuple[str, str] | None:
    """Where and why a caller's schema is none, like `$.type`; None if it is one."""
    return schema_flaw(_tame(schema))


def _tame(schema: Any, depth: int = 0) -> Any:
    """The schema without what could run an expression or fetch something, to a bounded depth. Names of properties and
    values to compare with are no keywords, whatever they are called."""
    if depth > DEPTH:
        return {} if isinstance(schema, Mapping) else schema
    if isinstance(schema, list):
        return [_tame(item, depth + 1) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {key: _tame_part(key, value, depth) for key, value in schema.items() if key not in UNTRUSTED}


def _tame_part(key: str, value: Any, depth: int) -> Any:
    if key in VALUES:
        return value
    if key in NAMED and isinstance(value, Mapping):
        return {name: _tame(part, depth + 2) for name, part in value.items()}
    return _tame(value, depth + 1)
