"""Replies as JSON and back: what a journal, a cache and a cassette hold of a model's answer. What is read back was in a
file, so nothing about it is taken for granted. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from operator import attrgetter
from typing import Any, get_args

from fusion_graph.jsontext import plain
from fusion_graph.messages import Completion, FinishReason, Message, ToolCall, Usage

REASONS = get_args(FinishReason)
NAMES = tuple(field.name for field in fields(Completion))
PARTS = attrgetter(*NAMES)
ABSENT: tuple[Any, ...] = ("", None, (), False)
ENCODER = json.JSONEncoder()  # once; to look the fields up and to copy what is immutable costs more than the writing


def write_completion(completion: Completion) -> str:
    """Without what is not there."""
    given = zip(NAMES, PARTS(completion), strict=True)
    told: dict[str, Any] = {name: value for name, value in given if value not in ABSENT}
    if completion.tool_calls:
        told["tool_calls"] = [asdict(call) for call in completion.tool_calls]
    if completion.usage is not None:
        told["usage"] = completion.usage._asdict()
    return ENCODER.encode(told)


def read_completion(text: str) -> Completion:
    """Raises ValueError for anything that `write_completion` does not write."""
    told = json.loads(text)
    try:
        calls = tuple(ToolCall(**{k: _text(v) for k, v in call.items()}) for call in told.pop("tool_calls", ()))
        usage = told.pop("usage", None)
        refusal, reason = told.pop("refusal", None), told.pop("finish_reason", "stop")
        if reason not in REASONS:
            raise ValueError(f"no finish reason: {reason!r}")
        return Completion(
            text=_text(told.pop("text", "")),
            tool_calls=calls,
            finish_reason=reason,
            reasoning=_text(told.pop("reasoning", "")),
            refusal=None if refusal is None else _text(refusal),
            usage=None if usage is None else read_usage(usage),
            model=_text(told.pop("model", "")),
            stop_sequence=_text(told.pop("stop_sequence", "")),
            simulated=told.pop("simulated", False) is True,
            notes=tuple(_text(note) for note in told.pop("notes", ())),
            **told,
        )
    except (TypeError, AttributeError) as fault:
        raise ValueError(f"not a reply: {fault}") from None


def read_usage(told: Mapping[str, Any]) -> Usage:
    """Raises TypeError or ValueError for what is none."""
    for name, value in told.items():
        if name != "estimated" and value is not None and (not isinstance(value, int | float) or value < 0):
            raise ValueError(f"usage: {name} is {value!r}")
    return Usage(**told)


def write_messages(messages: tuple[Message, ...]) -> str:
    """A conversation, parts and tool calls too."""
    return ENCODER.encode(plain(messages))


def read_messages(text: str) -> tuple[Message, ...]:
    """Raises ValueError for what is no conversation."""
    try:
        return tuple(_message(**told) for told in json.loads(text))
    except (TypeError, AttributeError) as fault:
        raise ValueError(f"not a conversation: {fault}") from None


def _message(content: Any, tool_calls: Any = (), **told: Any) -> Message:
    whole = content if isinstance(content, str) else tuple(dict(part) for part in content)
    return Message(content=whole, tool_calls=tuple(ToolCall(**call) for call in tool_calls), **told)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
