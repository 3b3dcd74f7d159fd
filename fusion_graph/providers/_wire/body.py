"""A call as the body of a chat-completions request. Pure. What is not set is not sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from fusion_graph.jsontext import write_json
from fusion_graph.messages import Call, Message, Sampling, with_system

WORDS = "Answer with one JSON value and nothing else. It must fit this JSON Schema:\n{schema}"
_OURS = frozenset({"model", "messages", "stream", "stream_options", "n"})
"""Fields that a caller's extras never set."""
_UNSET = Sampling()  # as many calls have it


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What an address wants written differently; from the options of its backend."""

    max_tokens_field: str = "max_tokens"  # newer OpenAI models take only `max_completion_tokens`
    stream: bool = True
    include_usage: bool = True
    json_schema: bool = True  # else a schema is told in words

    @classmethod
    def of(cls, options: Mapping[str, Any], base_url: str) -> Dialect:
        own = "max_completion_tokens" if "//api.openai.com" in base_url else "max_tokens"
        return cls(
            max_tokens_field=str(options.get("max_tokens_field", own)),
            stream=bool(options.get("stream", True)),
            include_usage=bool(options.get("include_usage", True)),
            json_schema=bool(options.get("json_schema", True)),
        )


def write_body(call: Call, dialect: Dialect) -> bytes:
    """The request as JSON. Half a character in a prompt cannot break it."""
    return write_json(make_body(call, dialect))


def make_body(call: Call, dialect: Dialect) -> dict[str, Any]:
    call = call if dialect.json_schema else _in_words(call)
    body: dict[str, Any] = {"model": call.model, "messages": [_message(message) for message in call.messages]}
    if call.sampling != _UNSET:
        body |= _settings(call.sampling, dialect.max_tokens_field)
    if dialect.stream:
        body["stream"] = True
        if dialect.include_usage:
            body["stream_options"] = {"include_usage": True}
    return body


def _settings(sampling: Sampling, max_tokens_field: str) -> dict[str, Any]:
    """What is set, over a caller's extras."""
    named = zip(_names(max_tokens_field), sampling)  # noqa: B905 (the word `strict` doubles its cost)
    settings = {name: value for name, value in named if value is not None and value != ()}
    if sampling.extra:
        return {name: value for name, value in sampling.extra.items() if name not in _OURS} | settings
    return settings


@cache
def _names(max_tokens_field: str) -> tuple[str, ...]:
    """What the fields of Sampling are called here, in their order; its last one, `extra`, has no name."""
    ours = {"max_tokens": max_tokens_field, "stop_sequences": "stop"}
    return tuple(ours.get(name, name) for name in Sampling._fields[:-1])


def _in_words(call: Call) -> Call:
    """The same call for an address that knows no schemas: the model is told of it, and whoever asked checks the
    reply."""
    form = call.sampling.response_format
    if form is None or form.get("type") != "json_schema":
        return call
    told = WORDS.format(schema=json.dumps(form.get("json_schema", {}).get("schema") or {}, ensure_ascii=False))
    sampling = call.sampling._replace(response_format=None)
    return replace(call, messages=with_system(call.messages, told), sampling=sampling)


def _message(message: Message) -> dict[str, Any]:
    written: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        written["content"] = message.content or None
        written["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        written["tool_call_id"] = message.tool_call_id
    if message.name:
        written["name"] = message.name
    return written
