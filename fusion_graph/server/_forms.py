"""`response_format` of a request (wire contract 1.2). Pure. A client's schema is bounded, must be a valid one, and is
only walked: nothing is fetched and no expression in it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.engine.contract import flaw
from fusion_graph.server import _fields as fields
from fusion_graph.server._errors import invalid

KINDS = ("text", "json_object", "json_schema")
MAX_PARTS = 1000  # objects and arrays in a schema: checking a larger one would hold up everybody else
MAX_DEPTH = 32
SCHEMA = "response_format.json_schema.schema"


def read_format(value: Any) -> Mapping[str, Any] | None:
    """As it goes upstream; None for plain text."""
    if value is None:
        return None
    form = fields.mapping(value, "response_format")
    kind = fields.choice(form.get("type"), "response_format.type", KINDS)
    if kind == "json_schema":
        inner = fields.mapping(form.get("json_schema"), "response_format.json_schema")
        fields.text(inner.get("name"), "response_format.json_schema.name", most=64, least=1)
        if inner.get("schema") is not None:
            _check(fields.mapping(inner["schema"], SCHEMA))
    return None if kind == "text" else form


def _check(schema: Mapping[str, Any]) -> None:
    """Raises Refused for a schema that is too large, leads elsewhere or is none."""
    level: list[tuple[str, Any]] = [(SCHEMA, schema)]
    parts = 0
    for _ in range(MAX_DEPTH):
        parts += len(level)
        if parts > MAX_PARTS:
            raise invalid(f"{SCHEMA} has more than {MAX_PARTS} objects and arrays", SCHEMA, code="too_complex")
        for path, part in level:
            if isinstance(part, dict) and isinstance(part.get("$ref"), str) and not part["$ref"].startswith("#"):
                raise invalid(f"{path}.$ref must lead into the same schema", f"{path}.$ref")
        level = [inner for path, part in level for inner in _inside(path, part)]
        if not level:
            break
    else:
        raise invalid(f"{SCHEMA} is nested deeper than {MAX_DEPTH} levels", SCHEMA, code="too_deep")
    found = flaw(schema)
    if found is not None:
        where, what = found
        path = SCHEMA + where.removeprefix("$")
        raise invalid(f"{path} is not valid JSON Schema: {what}", path, code="invalid_schema")


def _inside(path: str, part: Any) -> list[tuple[str, Any]]:
    inner = part.items() if isinstance(part, dict) else enumerate(part)
    return [
        (f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key[:64]}", item)
        for key, item in inner
        if isinstance(item, dict | list)
    ]
