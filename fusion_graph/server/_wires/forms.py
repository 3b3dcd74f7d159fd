"""The form that an answer shall have (wire contract 1.2), as each wire says it. Pure. A client's schema is bounded,
must be a valid one, and is only walked: nothing is fetched and no expression in it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.engine.answer_form import flaw
from fusion_graph.server._errors import invalid
from fusion_graph.server._wires import fields

KINDS = ("text", "json_object", "json_schema")
MAX_PARTS = 1000  # objects, arrays and booleans in a schema: checking a larger one would hold up everybody else
MAX_VALUES = 10_000  # of any kind
MAX_KINDS = 100  # under one `type`: each is compared with each
MAX_BYTES = 1 << 18  # what was checked is kept for a while
MAX_DEPTH = 32
SCHEMA = "response_format.json_schema.schema"


def read_format(value: Any) -> Mapping[str, Any] | None:
    """The `response_format` of Chat Completions, which is also how it goes upstream; None for plain text."""
    if value is None:
        return None
    form = fields.mapping(value, "response_format")
    kind = fields.choice(form.get("type"), "response_format.type", KINDS)
    if kind == "json_schema":
        inner = fields.mapping(form.get("json_schema"), "response_format.json_schema")
        fields.text(inner.get("name"), "response_format.json_schema.name", most=64, least=1)
        _more(inner, "response_format.json_schema")
        if inner.get("schema") is not None:
            _check(fields.mapping(inner["schema"], SCHEMA), SCHEMA)
    return None if kind == "text" else form


def read_flat_format(value: Any, path: str, name: str = "") -> Mapping[str, Any] | None:
    """The same with the schema beside its type, as the younger wires have it. `name` for those that give none."""
    if value is None:
        return None
    form = fields.mapping(value, path)
    kind = fields.choice(form.get("type"), f"{path}.type", KINDS)
    if kind != "json_schema":
        return None if kind == "text" else {"type": "json_object"}
    schema = fields.mapping(form.get("schema"), f"{path}.schema")
    _check(schema, f"{path}.schema")
    title = fields.text(form.get("name") or name or None, f"{path}.name", most=64, least=1)
    return {"type": "json_schema", "json_schema": {"name": title, "schema": schema, **_more(form, path)}}


def _more(form: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """What may be said beside name and schema."""
    found = {key: form[key] for key in ("description", "strict") if form.get(key) is not None}
    if "description" in found:
        fields.text(found["description"], f"{path}.description", most=65_536)
    if "strict" in found:
        fields.boolean(found["strict"], f"{path}.strict")
    return found


def _check(schema: Mapping[str, Any], root: str) -> None:
    """Raises Refused for a schema that is too large, leads elsewhere or is none."""
    level: list[tuple[str, Any]] = [(root, schema)]
    parts = values = 0
    for _ in range(MAX_DEPTH):
        parts += len(level)
        values += sum(len(part) for _, part in level if not isinstance(part, bool))
        if parts > MAX_PARTS or values > MAX_VALUES:
            raise invalid(
                f"{root} has more than {MAX_PARTS} objects, arrays and booleans, or more than {MAX_VALUES} values",
                root,
                code="too_complex",
            )
        for path, part in level:
            _check_part(path, part)
        level = [inner for path, part in level for inner in _inside(path, part)]
        if not level:
            break
    else:
        raise invalid(f"{root} is nested deeper than {MAX_DEPTH} levels", root, code="too_deep")
    if len(fields.json_text(schema, root)) > MAX_BYTES:
        raise invalid(f"{root} is larger than {MAX_BYTES} bytes", root, code="too_complex")
    found = flaw(schema)
    if found is not None:
        where, what = found
        path = root + where.removeprefix("$")
        raise invalid(f"{path} is not valid JSON Schema: {what}", path, code="invalid_schema")


def _check_part(path: str, part: Any) -> None:
    if not isinstance(part, dict):
        return
    if isinstance(part.get("$ref"), str) and not part["$ref"].startswith("#"):
        raise invalid(f"{path}.$ref must lead into the same schema", f"{path}.$ref")
    if isinstance(part.get("type"), list) and len(part["type"]) > MAX_KINDS:
        raise invalid(f"{path}.type has more than {MAX_KINDS} entries", f"{path}.type", code="too_complex")


def _inside(path: str, part: Any) -> list[tuple[str, Any]]:
    if isinstance(part, bool):
        return []
    inner = part.items() if isinstance(part, dict) else enumerate(part)
    return [
        (f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key[:64]}", item)
        for key, item in inner
        if isinstance(item, dict | list | bool)
    ]
