"""The surface as an OpenAPI document: shapes that the tests hold against what the routes really do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.contracts import Route
from fusion_graph.server._fields import CHOICES
from fusion_graph.server._forms import KINDS
from fusion_graph.server._messages import ROLES
from fusion_graph.server._tools import MAX_TOOLS
from fusion_graph.server._wire import EFFORTS, MAX_TOKENS, OBJECTS, SENDER

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WORD: Schema = {"type": "string", "maxLength": 1024}
OBJECT: Schema = {"type": "object"}
NULL: Schema = {"type": "null"}


def document(routes: Mapping[str, Route], version: str) -> Schema:
    """Every route with its answers; a route that needs a key says so."""
    paths: dict[str, Schema] = {}
    for name, route in routes.items():
        summary = (route.handler.__globals__.get("__doc__") or "").partition("\n")[0].partition(": ")[2]
        operation: Schema = {
            "operationId": name,
            "summary": summary,
            "responses": {**_answers(name), **_refusals(route), "default": _json("Any other error", _ref("Error"))},
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


def _maybe(schema: Schema) -> Schema:
    """null is as good as nothing."""
    return _either(schema, NULL)


def _either(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _number(low: float, high: float, kind: str = "number") -> Schema:
    return {"type": kind, "minimum": low, "maximum": high}


def _content(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}}


def _json(description: str, schema: Schema) -> Schema:
    return {"description": description, **_content(schema)}


def _answers(name: str) -> Schema:
    plain = {
        "livez": "Status",
        "readyz": "Status",
        "health": "Health",
        "root": "Status",
        "models": "Models",
        "model": "Model",
    }
    if name in plain:
        return {"200": _json("OK", _ref(plain[name]))}
    if name == "metrics":
        return {"200": {"description": "Counters", "content": {"text/plain": {"schema": TEXT}}}}
    if name == "openapi":
        return {"200": _json("This document", {"type": "object"})}
    whole = _json("An answer; with `stream` its chunks, then [DONE]", _ref("Completion"))
    whole["content"]["text/event-stream"] = {"schema": _ref("Chunk")}
    return {"200": whole}


def _refusals(route: Route) -> Schema:
    """What a client must expect of this route."""
    meant = {} if route.public else {401: "No key, or a wrong one"}
    if "{id}" in route.path or route.method == "POST":
        meant |= {403: "The key may not use this model", 404: "There is no such model"}
    if route.method == "POST":
        meant |= BAD
    if "readyz" in route.path:
        meant |= {503: BAD[503]}
    return {str(status): _json(text, _ref("Error")) for status, text in sorted(meant.items())}


BAD: Mapping[int, str] = {
    400: "The request is at fault; `param` names the field",
    413: "The body is too large",
    415: "The body is no JSON",
    429: "A limit or a budget; see Retry-After",
    500: "A bug of ours",
    502: "The models behind failed",
    503: "The server is full or ends; see Retry-After",
    504: "No answer before the deadline",
}
COUNT = _number(0, 2**53, "integer")
CALL = _object({"id": TEXT, "function": _object({"name": TEXT}, {"arguments": TEXT})}, {"type": {"const": "function"}})
USAGE = _object(
    {"prompt_tokens": COUNT, "completion_tokens": COUNT, "total_tokens": COUNT}, {"cost": {"type": "number"}}
)
REASON = {"enum": ["stop", "length", "tool_calls", "content_filter"]}
LOGPROBS = _maybe(_object({}, {"content": _maybe(_array(_object({"token": TEXT, "logprob": {"type": "number"}})))}))
DELTA = _object(
    {},
    {
        "role": {"const": "assistant"},
        "content": TEXT,
        "reasoning_content": TEXT,
        "tool_calls": _array(_object({"index": COUNT, "function": {"type": "object"}})),
    },
)
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
            "stream": _maybe({"type": "boolean"}),
            "stream_options": _maybe(_object({}, {"include_usage": _maybe({"type": "boolean"})})),
            "temperature": _maybe(_number(0, 2)),
            "top_p": _maybe(_number(0, 1)),
            "frequency_penalty": _maybe(_number(-2, 2)),
            "presence_penalty": _maybe(_number(-2, 2)),
            "reasoning_effort": _maybe({"enum": list(EFFORTS)}),
            "verbosity": _maybe({"enum": ["low", "medium", "high"]}),
            "n": _maybe(_number(1, CHOICES, "integer")),
            "seed": _maybe(_number(-(2**63), 2**63 - 1, "integer")),
            "max_tokens": _maybe(_number(0, MAX_TOKENS, "integer")),
            "max_completion_tokens": _maybe(_number(0, MAX_TOKENS, "integer")),
            "stop": _either(WORD, _array(WORD, maxItems=16), NULL),
            "logprobs": _maybe({"type": "boolean"}),
            "top_logprobs": _maybe(_number(0, 20, "integer")),
            "logit_bias": _maybe({"type": "object"}),
            "prediction": _maybe({"type": "object"}),
            "modalities": _maybe(_array({"enum": ["text"]}, maxItems=8)),
            "tools": _maybe(_array(TOOL, maxItems=MAX_TOOLS)),
            "tool_choice": _either({"enum": ["none", "auto", "required"]}, {"type": "object"}, NULL),
            "parallel_tool_calls": _maybe({"type": "boolean"}),
            "response_format": _maybe(_object({"type": {"enum": list(KINDS)}}, {"json_schema": {"type": "object"}})),
            "fusion": _maybe({"type": "object"}),
            **{name: _maybe(OBJECT if name in OBJECTS else {"type": "string", "maxLength": 512}) for name in SENDER},
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
                        "logprobs": LOGPROBS,
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
                _object(
                    {
                        "index": COUNT,
                        "delta": DELTA,
                        "finish_reason": _either(REASON, NULL),
                        "logprobs": LOGPROBS,
                    }
                )
            ),
        },
        {"usage": _either(USAGE, NULL), "fusion": BLOCK},
    ),
}
