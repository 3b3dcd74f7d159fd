"""What the shapes of `_shapes/document` are made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WORD: Schema = {"type": "string", "maxLength": 1024}
OBJECT: Schema = {"type": "object"}
NULL: Schema = {"type": "null"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def record(required: Mapping[str, Schema], more: Mapping[str, Schema] | None = None) -> Schema:
    return {"type": "object", "required": list(required), "properties": {**required, **(more or {})}}


def array(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def maybe(schema: Schema) -> Schema:
    """null is as good as nothing."""
    return either(schema, NULL)


def either(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def number(low: float, high: float, kind: str = "number") -> Schema:
    return {"type": kind, "minimum": low, "maximum": high}


COUNT = number(0, 2**53, "integer")
USAGE = record(
    {"prompt_tokens": COUNT, "completion_tokens": COUNT, "total_tokens": COUNT}, {"cost": {"type": "number"}}
)
MONEY = {"type": ["number", "null"]}
BLOCK = record(
    {
        "config": TEXT,
        "run_id": TEXT,
        "mode": {"enum": ["full", "writer_only"]},
        "panel_models": array(TEXT),
        "panel_succeeded": COUNT,
        "failed_models": array(record({"model": TEXT, "error": TEXT})),
        "cost_usd": MONEY,
        "cost_estimated": {"type": "boolean"},
        "cost_breakdown": array(record({"model": TEXT, "role": TEXT, "node": TEXT, "cost_usd": MONEY})),
        "timing_s": {"type": "object", "additionalProperties": {"type": "number"}},
        "degraded": array(record({"node": TEXT, "role": TEXT, "model": TEXT, "reason": TEXT, "action": TEXT})),
        "nodes": array(record({"name": TEXT, "state": TEXT, "attempts": COUNT})),
        "usage": record({"total": USAGE, "final": USAGE}),
        "simulated": {"type": "boolean"},
        "ignored": array(TEXT),
    }
)
