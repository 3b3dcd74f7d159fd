"""Tools for models that take none: described in words, called by a JSON object in the reply. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fusion_graph.contracts import Tool
from fusion_graph.graph.structure import find_values
from fusion_graph.messages import Completion, ToolCall

_HEAD = """You may use tools. To use one, reply with nothing but a JSON object:
{"tool": "NAME", "arguments": {...}}
You then get its result and may use another. When you know enough, reply with your answer as plain text."""


def describe(tools: Sequence[Tool]) -> str:
    """What the model is told of them."""
    told = [f"- {tool.name}: {tool.description}\n  arguments: {json.dumps(tool.parameters)}" for tool in tools]
    return "\n".join([_HEAD, *told])


def read(completion: Completion, tools: Sequence[Tool], turn: int) -> Completion:
    """The reply with the call that stands in it, if one does. Only an object that names a tool of ours is a call: an
    answer may well hold JSON."""
    names = {tool.name for tool in tools}
    for value in find_values(completion.text):
        call = _call(value, names)
        if call is not None:
            made = ToolCall(id=f"call_{turn}", name=call[0], arguments=call[1])
            return replace(completion, text="", tool_calls=(made,), finish_reason="tool_calls")
    return completion


def write(calls: Sequence[ToolCall]) -> str:
    """The call as the model wrote it, for the conversation."""
    return "\n".join(json.dumps({"tool": call.name, "arguments": _parsed(call.arguments)}) for call in calls)


def _call(value: Any, names: set[str]) -> tuple[str, str] | None:
    if not isinstance(value, Mapping) or not value.keys() <= {"tool", "arguments", "name"}:
        return None
    name, arguments = value.get("tool") or value.get("name"), value.get("arguments", {})
    if name not in names or not isinstance(arguments, dict):
        return None
    return str(name), json.dumps(arguments)


def _parsed(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return {}
