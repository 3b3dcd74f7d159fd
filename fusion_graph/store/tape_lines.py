"""The lines of a cassette: what each holds, as a schema, and values to JSON and back. Pure.

`head` is the first line, `result` the last one of a run that was not cut. Between them, in the order in which it
happened: `call` (a request, once), `start`, `piece` and `end` of every attempt, `use` and `gave` of every use of a
tool; both are numbered together as they begin. Times are seconds since the run began.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from fusion_graph.contracts import JsonSchema, Tool
from fusion_graph.errors import Permanent, ProviderError, ToolError, Transient
from fusion_graph.messages import Call, Completion, Delta, Message, Sampling, ToolCall, ToolCallDelta, Usage

FORMAT = 1

_TEXT: JsonSchema = {"type": "string"}
_MAYBE: JsonSchema = {"type": ["string", "null"]}
_COUNT: JsonSchema = {"type": "integer", "minimum": 0, "maximum": 10**12}
_TIME: JsonSchema = {"type": "number", "minimum": 0, "maximum": 10**9}
_MAYBE_NUMBER: JsonSchema = {"type": ["number", "null"], "minimum": -(10**9), "maximum": 10**9}
_MAYBE_COUNT: JsonSchema = {**_COUNT, "type": ["integer", "null"]}
_MAP: JsonSchema = {"type": "object"}
_YES_NO: JsonSchema = {"type": "boolean"}


def _record(newer: Mapping[str, JsonSchema] = MappingProxyType({}), /, **properties: JsonSchema) -> JsonSchema:
    """Exactly these keys, but that older lines lack the newer ones."""
    return {
        "type": "object",
        "properties": {**properties, **newer},
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(item: JsonSchema) -> JsonSchema:
    return {"type": "array", "items": item, "maxItems": 100_000}


def _maybe(record: JsonSchema) -> JsonSchema:
    return {**record, "type": ["object", "null"]}


_CALLS = _list(_record(id=_TEXT, name=_TEXT, arguments=_TEXT))
_USAGE = _maybe(
    _record(
        prompt_tokens=_COUNT,
        completion_tokens=_COUNT,
        reasoning_tokens=_COUNT,
        cached_tokens=_COUNT,
        cost_usd=_MAYBE_NUMBER,
        estimated=_YES_NO,
    )
)
_MESSAGE = _record(
    role={"enum": ["system", "user", "assistant", "tool"]},
    content={"type": ["string", "array"], "items": _MAP, "maxItems": 10_000},
    tool_calls=_CALLS,
    tool_call_id=_TEXT,
    name=_TEXT,
)
_SAMPLING = _record(
    temperature=_MAYBE_NUMBER,
    top_p=_MAYBE_NUMBER,
    max_tokens=_MAYBE_COUNT,
    seed={**_MAYBE_COUNT, "minimum": -(10**18), "maximum": 10**18},
    stop_sequences=_list(_TEXT),
    reasoning_effort=_MAYBE,
    response_format=_maybe(_MAP),
    tools=_list(_MAP),
    tool_choice={"type": ["string", "object", "null"]},
    extra=_MAP,
)
_BACKEND = _record(
    name=_TEXT, account=_COUNT, free=_YES_NO, tools=_YES_NO, max_concurrency=_COUNT, requests_per_minute=_COUNT
)
_TOOL = _record(
    listed=_TEXT, name=_TEXT, description=_TEXT, parameters=_MAP, mutates=_YES_NO, ends=_YES_NO, checked=_YES_NO
)

SCHEMAS: Mapping[str, JsonSchema] = {
    "head": _record(
        format={"type": "integer", "minimum": 1},
        run_id=_TEXT,
        fence={"type": "string", "minLength": 1, "maxLength": 64},
        pipeline=_record(name=_TEXT, source=_TEXT),
        params=_MAP,
        messages=_list(_MESSAGE),
        seed={**_MAYBE_COUNT, "minimum": -(10**18), "maximum": 10**18},
        stream=_YES_NO,
        budget_usd=_MAYBE_NUMBER,
        deadline_s=_MAYBE_NUMBER,
        default=_TEXT,
        backends=_list(_BACKEND),
        tools=_list(_TOOL),
        tool_bounds=_record(calls=_COUNT, seconds=_TIME, tokens=_COUNT, shown=_COUNT),
        renamed={"type": "object", "additionalProperties": _TEXT},
        prices=_record(date=_TEXT, models={"type": "object", "additionalProperties": _list(_TIME)}),
    ),
    "call": _record(
        digest=_TEXT,
        backend=_TEXT,
        model=_TEXT,
        messages=_list(_MESSAGE),
        sampling=_SAMPLING,
        draw={"type": "array", "items": _COUNT, "minItems": 4, "maxItems": 4},
        purpose={"enum": ["note", "draft", "final"]},
    ),
    "start": _record(at=_TIME, attempt=_COUNT, node=_TEXT, digest=_TEXT),
    "piece": _record(
        at=_TIME,
        attempt=_COUNT,
        text=_TEXT,
        reasoning=_TEXT,
        tool_calls=_list(_record(index=_COUNT, id=_TEXT, name=_TEXT, arguments=_TEXT)),
    ),
    "end": _record(
        at=_TIME,
        attempt=_COUNT,
        reply=_maybe(
            _record(
                {"stop_sequence": _TEXT},
                text=_TEXT,
                tool_calls=_CALLS,
                finish_reason={"enum": ["stop", "length", "tool_calls", "content_filter"]},
                reasoning=_TEXT,
                refusal=_MAYBE,
                usage=_USAGE,
                model=_TEXT,
                simulated=_YES_NO,
                notes=_list(_TEXT),
                logprobs=_maybe(_MAP),
            )
        ),
        failure=_maybe(
            _record(
                transient=_YES_NO,
                reason=_TEXT,
                message=_TEXT,
                status=_MAYBE_COUNT,
                retry_after_s=_MAYBE_NUMBER,
                sent=_YES_NO,
                usage=_USAGE,
            )
        ),
    ),
    "use": _record(at=_TIME, attempt=_COUNT, tool=_TEXT, arguments=_MAP),
    "gave": _record(at=_TIME, attempt=_COUNT, ok=_YES_NO, text=_MAYBE),
    "result": _record(
        state=_TEXT,
        answer=_MAYBE,
        cost_usd=_MAYBE_NUMBER,
        nodes={"type": "object", "additionalProperties": _TEXT},
        degraded=_list({"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2}),
    ),
}
"""What a line holds beside `is`, which names it. An `end` with neither reply nor failure was cancelled, and so was what
`gave` no text."""


# --- to JSON ----------------------------------------------------------------------------------------------------------


def failure_fields(error: ProviderError) -> dict[str, Any]:
    """All there is to a failure; its message is our own words."""
    return {
        "transient": error.transient,
        "reason": error.reason,
        "message": error.message,
        "status": error.status,
        "retry_after_s": error.retry_after_s,
        "sent": error.sent,
        "usage": error.usage,
    }


def tool_fields(listed: str, tool: Tool) -> dict[str, Any]:
    """What a model is told of a tool, and what the loop must know of it."""
    names = ("name", "description", "parameters", "mutates", "ends", "checked")
    return {"listed": listed, **{name: getattr(tool, name) for name in names}}


# --- and back: of lines that fit their schema -------------------------------------------------------------------------


def read_call(line: Mapping[str, Any]) -> Call:
    sampling = dict(line["sampling"])
    sampling |= {name: tuple(sampling[name]) for name in ("stop_sequences", "tools")}
    return Call(
        line["model"], read_messages(line["messages"]), Sampling(**sampling), tuple(line["draw"]), line["purpose"]
    )


def read_messages(lines: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    return tuple(_read_message(line) for line in lines)


def read_piece(line: Mapping[str, Any]) -> Delta:
    return Delta(line["text"], line["reasoning"], tuple(ToolCallDelta(**piece) for piece in line["tool_calls"]))


def read_end(line: Mapping[str, Any]) -> Completion | ProviderError | None:
    """None: it was cancelled."""
    reply, failure = line["reply"], line["failure"]
    if reply is not None:
        calls, usage = _read_calls(reply["tool_calls"]), _read_usage(reply["usage"])
        return Completion(**{**reply, "tool_calls": calls, "usage": usage, "notes": tuple(reply["notes"])})
    if failure is None:
        return None
    kind = Transient if failure["transient"] else Permanent
    fields = {name: failure[name] for name in ("reason", "message", "status", "retry_after_s", "sent")}
    return kind(**fields, usage=_read_usage(failure["usage"]))


def read_gave(line: Mapping[str, Any]) -> str | ToolError | None:
    """None: it was cancelled."""
    text: str | None = line["text"]
    return text if text is None or line["ok"] else ToolError(text)


def read_tools(head: Mapping[str, Any]) -> Iterator[tuple[str, Tool]]:
    """By the names that pipelines give them, with nothing behind them."""
    for line in head["tools"]:
        fields = {name: value for name, value in line.items() if name != "listed"}
        yield line["listed"], Tool(**fields, run=_nothing)


async def _nothing(_arguments: Mapping[str, Any], _site: Any) -> str:
    raise AssertionError


def _read_message(line: Mapping[str, Any]) -> Message:
    content = line["content"]
    content = content if isinstance(content, str) else tuple(content)
    return Message(line["role"], content, _read_calls(line["tool_calls"]), line["tool_call_id"], line["name"])


def _read_calls(lines: list[Mapping[str, Any]]) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(**call) for call in lines)


def _read_usage(line: Mapping[str, Any] | None) -> Usage | None:
    return None if line is None else Usage(**line)
