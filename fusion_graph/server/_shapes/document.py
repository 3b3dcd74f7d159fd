"""The surface as an OpenAPI document: shapes that the tests hold against what the routes really do. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from fusion_graph.contracts import Route
from fusion_graph.server._shapes.wires import WIRES
from fusion_graph.server._shapes.words import (
    BLOCK,
    COUNT,
    NULL,
    OBJECT,
    TEXT,
    USAGE,
    WORD,
    Schema,
    array,
    either,
    maybe,
    number,
    record,
    ref,
)
from fusion_graph.server._wires.errors import RENAMED
from fusion_graph.server._wires.fields import CHOICES, EFFORTS, MAX_TOKENS
from fusion_graph.server._wires.forms import KINDS
from fusion_graph.server._wires.sender import OBJECTS, SENDER
from fusion_graph.server._wires.tools import MAX_TOOLS
from fusion_graph.server._wires.turns import ROLES


def document(routes: Mapping[str, Route], version: str) -> Schema:
    """Every route with its answers; a route that needs a key says so."""
    paths: dict[str, Schema] = {}
    for name, route in routes.items():
        summary = (route.handler.__globals__.get("__doc__") or "").partition("\n")[0].partition(": ")[2]
        refusals = _refusals(route)
        operation: Schema = {
            "operationId": name,
            "summary": summary,
            "responses": {**_answers(name), **refusals, "default": _json("Any other error", _error(route))},
            "security": [] if route.public else [{"bearer": []}, {"header": []}],
        }
        if "{id}" in route.path:
            operation["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": TEXT}]
        if name in REQUESTS:
            operation["requestBody"] = {"required": True, **_content(ref(REQUESTS[name]))}
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
        return {"200": _json("OK", ref(plain[name]))}
    if name == "metrics":
        return {"200": {"description": "Counters", "content": {"text/plain": {"schema": TEXT}}}}
    if name == "openapi":
        return {"200": _json("This document", {"type": "object"})}
    if name == "count_tokens":
        return {"200": _json("An estimate", ref("Count"))}
    answer, event, told = ANSWERS[name]
    whole = _json(f"An answer; with `stream` {told}", ref(answer))
    whole["content"]["text/event-stream"] = {"schema": ref(event)}
    return {"200": whole}


REQUESTS = {
    "chat_completions": "ChatRequest",
    "messages": "MessagesRequest",
    "count_tokens": "CountRequest",
    "responses": "ResponsesRequest",
}
ANSWERS = {
    "chat_completions": ("Completion", "Chunk", "its chunks, then [DONE]"),
    "messages": ("Message", "MessagesEvent", "its events, the last one `message_stop` or `error`"),
    "responses": ("Response", "ResponsesEvent", "its events, the last one `response.completed` or alike"),
}


def _refusals(route: Route) -> Schema:
    """What a client must expect of this route."""
    meant = {} if route.public else {401: "No key, or a wrong one"}
    if "{id}" in route.path or route.method == "POST":
        meant |= {403: "The key may not use this model", 404: "There is no such model"}
    if route.method == "POST":
        meant |= BAD
    if "readyz" in route.path:
        meant |= {503: BAD[503]}
    if _of_messages(route):
        meant = {RENAMED.get(status, status): text for status, text in meant.items()}
    return {str(status): _json(text, _error(route)) for status, text in sorted(meant.items())}


def _error(route: Route) -> Schema:
    return ref("MessagesError" if _of_messages(route) else "Error")


def _of_messages(route: Route) -> bool:
    return route.path.startswith("/v1/messages")


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
CALL = record({"id": TEXT, "function": record({"name": TEXT}, {"arguments": TEXT})}, {"type": {"const": "function"}})
REASON = {"enum": ["stop", "length", "tool_calls", "content_filter"]}
LOGPROBS = maybe(record({}, {"content": maybe(array(record({"token": TEXT, "logprob": {"type": "number"}})))}))
DELTA = record(
    {},
    {
        "role": {"const": "assistant"},
        "content": TEXT,
        "reasoning_content": TEXT,
        "tool_calls": array(record({"index": COUNT, "function": {"type": "object"}})),
    },
)
HEAD = {"id": TEXT, "created": COUNT, "model": TEXT}
TOOL = record(
    {
        "type": {"const": "function"},
        "function": record(
            {"name": {"type": "string", "minLength": 1, "maxLength": 64}}, {"parameters": {"type": "object"}}
        ),
    }
)
MESSAGE = record({"role": {"enum": list(ROLES)}}, {"content": either(TEXT, array({"type": "object"}), NULL)})
SCHEMAS: dict[str, Schema] = {
    **WIRES,
    "Error": record(
        {"error": record({"message": TEXT, "type": TEXT, "param": either(TEXT, NULL), "code": either(TEXT, NULL)})}
    ),
    "Status": record({"status": {"const": "ok"}}),
    "Health": record({"status": {"enum": ["ok", "draining"]}}),
    "Model": record({"id": TEXT, "object": {"const": "model"}, "created": COUNT, "owned_by": TEXT}),
    "Models": record({"object": {"const": "list"}, "data": array(ref("Model"))}),
    "ChatRequest": record(
        {"model": {"type": "string", "minLength": 1, "maxLength": 256}, "messages": array(MESSAGE, minItems=1)},
        {
            "stream": maybe({"type": "boolean"}),
            "stream_options": maybe(record({}, {"include_usage": maybe({"type": "boolean"})})),
            "temperature": maybe(number(0, 2)),
            "top_p": maybe(number(0, 1)),
            "frequency_penalty": maybe(number(-2, 2)),
            "presence_penalty": maybe(number(-2, 2)),
            "reasoning_effort": maybe({"enum": list(EFFORTS)}),
            "verbosity": maybe({"enum": ["low", "medium", "high"]}),
            "n": maybe(number(1, CHOICES, "integer")),
            "seed": maybe(number(-(2**63), 2**63 - 1, "integer")),
            "max_tokens": maybe(number(0, MAX_TOKENS, "integer")),
            "max_completion_tokens": maybe(number(0, MAX_TOKENS, "integer")),
            "stop": either(WORD, array(WORD, maxItems=16), NULL),
            "logprobs": maybe({"type": "boolean"}),
            "top_logprobs": maybe(number(0, 20, "integer")),
            "logit_bias": maybe({"type": "object"}),
            "prediction": maybe({"type": "object"}),
            "modalities": maybe(array({"enum": ["text"]}, maxItems=8)),
            "tools": maybe(array(TOOL, maxItems=MAX_TOOLS)),
            "tool_choice": either({"enum": ["none", "auto", "required"]}, {"type": "object"}, NULL),
            "parallel_tool_calls": maybe({"type": "boolean"}),
            "response_format": maybe(record({"type": {"enum": list(KINDS)}}, {"json_schema": {"type": "object"}})),
            "fusion": maybe({"type": "object"}),
            "plugins": maybe(array(record({"id": {"const": "fusion"}}, {"enabled": maybe({"type": "boolean"})}))),
            **{name: maybe(OBJECT if name in OBJECTS else {"type": "string", "maxLength": 512}) for name in SENDER},
        },
    ),
    "Completion": record(
        {
            **HEAD,
            "object": {"const": "chat.completion"},
            "choices": array(
                record(
                    {
                        "index": COUNT,
                        "message": record(
                            {
                                "role": {"const": "assistant"},
                                "content": either(TEXT, NULL),
                                "refusal": either(TEXT, NULL),
                            },
                            {"tool_calls": array(CALL)},
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
    "Chunk": record(
        {
            **HEAD,
            "object": {"const": "chat.completion.chunk"},
            "choices": array(
                record(
                    {
                        "index": COUNT,
                        "delta": DELTA,
                        "finish_reason": either(REASON, NULL),
                        "logprobs": LOGPROBS,
                    }
                )
            ),
        },
        {"usage": either(USAGE, NULL), "fusion": BLOCK},
    ),
}
