"""The surface as an OpenAPI document: shapes that the tests hold against what the routes really do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.contracts import Route
from fusion_graph.server._fields import CHOICES
from fusion_graph.server._messages import ROLES

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NULL: Schema = {"type": "null"}


def document(routes: Mapping[str, Route], version: str) -> Schema:
    """Every route with its answers; a route that needs a key says so."""
    paths: dict[str, Schema] = {}
    for name, route in routes.items():
        summary = (route.handler.__globals__.get("__doc__") or "").partition("\n")[0].partition(": ")[2]
        operation: Schema = {
            "operationId": name,
            "summary": summary,
            "responses": {**_answers(name), "default": _json("Any error", _ref("Error"))},
            "security": [] if route.public else [{"bearer": []}, {"header": []}],
        }
        if "{id}" in route.path:
            operation["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": TEXT}]
        if route.method == "POST":
            operation["requestBody"] = {"required": True, **_content(_ref("ChatRequest"))}
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "fusion_graph", "version": version},
        "paths": paths,
        "components": {"schemas": SCHEMAS, "securitySchemes": SECURITY},
    }


SECURITY: Schema = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: Mapping[str, Schema], more: Mapping[str, Schema] | None = None) -> Schema:
    return {"type": "object", "required": list(required), "properties": {**required, **(more or {})}}


def _array(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def _either(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _number(low: float, high: float, kind: str = "number") -> Schema:
    return {"type": kind, "minimum": low, "maximum": high}


def _content(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}}


def _json(description: str, schema: Schema) -> Schema:
    return {"description": description, **_content(schema)}


def _answers(name: str) -> Schema:
    plain = {"livez": "Status", "readyz": "Status", "health": "Health", "models": "Models", "model": "Model"}
    if name in plain:
        return {"200": _json("OK", _ref(plain[name]))}
    if name == "metrics":
        return {"200": {"description": "Counters", "content": {"text/plain": {"schema": TEXT}}}}
    if name == "openapi":
        return {"200": _json("This document", {"type": "object"})}
    whole = _json("An answer; with `stream` its chunks, then [DONE]", _ref("Completion"))
    whole["content"]["text/event-stream"] = {"schema": _ref("Chunk")}
    return {"200": whole}


COUNT = _number(0, 2**53, "integer")
CALL = _object({"id": TEXT, "function": _object({"name": TEXT}, {"arguments": TEXT})}, {"type": {"const": "function"}})
USAGE = _object(
    {"prompt_tokens": COUNT, "completion_tokens": COUNT, "total_tokens": COUNT}, {"cost": {"type": "number"}}
)
REASON = {"enum": ["stop", "length", "tool_calls", "content_filter"]}
MONEY = {"type": ["number", "null"]}
HEAD = {"id": TEXT, "created": COUNT, "model": TEXT}
BLOCK = _object(
    {
        "config": TEXT,
        "run_id": TEXT,
        "mode": {"enum": ["full", "writer_only"]},
        "panel_models": _array(TEXT),
        "panel_succeeded": COUNT,
        "failed_models": _array(_object({"model": TEXT, "error": TEXT})),
        "cost_usd": MONEY,
        "cost_estimated": {"type": "boolean"},
        "cost_breakdown": _array(_object({"model": TEXT, "role": TEXT, "node": TEXT, "cost_usd": MONEY})),
        "timing_s": {"type": "object", "additionalProperties": {"type": "number"}},
        "degraded": _array(_object({"node": TEXT, "role": TEXT, "model": TEXT, "reason": TEXT, "action": TEXT})),
        "nodes": _array(_object({"name": TEXT, "state": TEXT, "attempts": COUNT})),
        "usage": _object({"total": USAGE, "final": USAGE}),
        "simulated": {"type": "boolean"},
        "ignored": _array(TEXT),
    }
)
TOOL = _object(
    {
        "type": {"const": "function"},
        "function": _object(
            {"name": {"type": "string", "minLength": 1, "maxLength": 64}}, {"parameters": {"type": "object"}}
        ),
    }
)
MESSAGE = _object({"role": {"enum": list(ROLES)}}, {"content": _either(TEXT, _array({"type": "object"}), NULL)})
SCHEMAS: dict[str, Schema] = {
    "Error": _object(
        {"error": _object({"message": TEXT, "type": TEXT, "param": _either(TEXT, NULL), "code": _either(TEXT, NULL)})}
    ),
    "Status": _object({"status": {"const": "ok"}}),
    "Health": _object({"status": {"enum": ["ok", "draining"]}}),
    "Model": _object({"id": TEXT, "object": {"const": "model"}, "created": COUNT, "owned_by": TEXT}),
    "Models": _object({"object": {"const": "list"}, "data": _array(_ref("Model"))}),
    "ChatRequest": _object(
        {"model": {"type": "string", "minLength": 1, "maxLength": 256}, "messages": _array(MESSAGE, minItems=1)},
        {
            "stream": {"type": ["boolean", "null"]},
            "temperature": _either(_number(0, 2), NULL),
            "top_p": _either(_number(0, 1), NULL),
            "frequency_penalty": _either(_number(-2, 2), NULL),
            "presence_penalty": _either(_number(-2, 2), NULL),
            "n": _either(_number(1, CHOICES, "integer"), NULL),
            "seed": {"type": ["integer", "null"]},
            "max_tokens": {"type": ["integer", "null"], "minimum": 0},
            "max_completion_tokens": {"type": ["integer", "null"], "minimum": 0},
            "stop": _either(TEXT, _array(TEXT, maxItems=16), NULL),
            "tools": _either(_array(TOOL, maxItems=128), NULL),
            "response_format": _either(_object({"type": {"enum": ["text", "json_object", "json_schema"]}}), NULL),
            "fusion": _either({"type": "object"}, NULL),
        },
    ),
    "Completion": _object(
        {
            **HEAD,
            "object": {"const": "chat.completion"},
            "choices": _array(
                _object(
                    {
                        "index": COUNT,
                        "message": _object(
                            {
                                "role": {"const": "assistant"},
                                "content": _either(TEXT, NULL),
                                "refusal": _either(TEXT, NULL),
                            },
                            {"tool_calls": _array(CALL)},
                        ),
                        "finish_reason": REASON,
                        "logprobs": NULL,
                    }
                ),
                minItems=1,
            ),
            "usage": USAGE,
            "fusion": BLOCK,
        }
    ),
    "Chunk": _object(
        {
            **HEAD,
            "object": {"const": "chat.completion.chunk"},
            "choices": _array(
                _object({"index": COUNT, "delta": {"type": "object"}, "finish_reason": _either(REASON, NULL)})
            ),
        },
        {"usage": _either(USAGE, NULL), "fusion": BLOCK},
    ),
}
