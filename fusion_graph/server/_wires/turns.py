"""The conversation of a request as messages (wire contract 1.2). Pure. Multimodal parts are checked for their shape and
passed on: nothing is fetched or decoded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.messages import Message, Role, ToolCall
from fusion_graph.server._errors import invalid
from fusion_graph.server._wires import fields

MAX_MESSAGES = 10_000
MAX_PARTS = 1_000
MAX_CALLS = 256
MAX_MEDIA = 64
ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",  # the same thing for upstreams that do not know the word
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
PARTS: Mapping[str, Mapping[str, int]] = {
    "text": {},
    "image_url": {"url": 1, "detail": 0},
    "input_audio": {"data": 1, "format": 1},
    "file": {"file_data": 0, "file_id": 0, "filename": 0},
    "refusal": {},
}
"""Of media what is inside: texts, and how long each must be at least; 0 may be missing."""


def read_messages(value: Any) -> tuple[Message, ...]:
    entries = fields.array(value, "messages", least=1, most=MAX_MESSAGES)
    messages: list[Message] = []
    parts: list[Mapping[str, Any]] = []
    for i, entry in enumerate(entries):
        message = _message(entry, f"messages[{i}]")
        messages.append(message)
        if not isinstance(message.content, str):
            parts += message.content
    if len(parts) > MAX_MEDIA and sum(part["type"] not in ("text", "refusal") for part in parts) > MAX_MEDIA:
        raise invalid(f"messages hold more than {MAX_MEDIA} images, sounds and files", "messages")
    return tuple(messages)


def _message(value: Any, path: str) -> Message:
    entry = fields.mapping(value, path)
    role = ROLES[fields.choice(entry.get("role"), f"{path}.role", ROLES)]
    calls = _calls(entry, path) if role == "assistant" else ()
    content = entry.get("content")
    if not isinstance(content, str):
        content = _content(content, f"{path}.content", role, empty=role == "assistant")
    answers = ""
    if role == "tool":
        known_as = "tool_call_id" if entry["role"] == "tool" else "name"
        answers = fields.text(entry.get(known_as), f"{path}.{known_as}", most=256, least=1)
    given = entry.get("name")
    name = "" if given is None or role == "tool" else fields.text(given, f"{path}.name", most=128)
    return Message(role, content, calls, answers, name)


def _content(value: Any, path: str, role: Role, *, empty: bool) -> str | tuple[Mapping[str, Any], ...]:
    if value is None and empty:
        return ""
    if not isinstance(value, list):
        raise invalid(f"{path} must be a string or an array of parts", path)
    parts = fields.array(value, path, least=0 if empty else 1, most=MAX_PARTS)
    read = tuple(_part(part, f"{path}[{i}]") for i, part in enumerate(parts))
    if all(part["type"] == "text" for part in read) and role != "user":
        return "\n".join(part["text"] for part in read)  # upstreams differ in what they take but for users
    return read


def _part(value: Any, path: str) -> Mapping[str, Any]:
    part = fields.mapping(value, path)
    kind = fields.choice(part.get("type"), f"{path}.type", tuple(PARTS))
    if kind in ("text", "refusal"):
        fields.text(part.get(kind), f"{path}.{kind}")
        return part if kind == "text" else {"type": "text", "text": part[kind]}
    read_media(part, kind, path)
    return part


def read_media(part: Mapping[str, Any], kind: str, path: str) -> Mapping[str, Any]:
    """What a part of this kind holds."""
    body = fields.mapping(part.get(kind), f"{path}.{kind}")
    for name, least in PARTS[kind].items():
        if body.get(name) is not None or least:
            fields.text(body.get(name), f"{path}.{kind}.{name}", least=least)
    return body


def _calls(entry: Mapping[str, Any], path: str) -> tuple[ToolCall, ...]:
    if entry.get("tool_calls") is None:
        old = entry.get("function_call")
        return () if old is None else (_call({"id": old_id(old), "function": old}, f"{path}.function_call"),)
    given = fields.array(entry["tool_calls"], f"{path}.tool_calls", most=MAX_CALLS)
    return tuple(_call(call, f"{path}.tool_calls[{i}]") for i, call in enumerate(given))


def old_id(call: Any) -> str:
    """The old form has no ids: a function's name stands for one."""
    return str(call.get("name", "")) if isinstance(call, dict) else ""


def _call(value: Any, path: str) -> ToolCall:
    call = fields.mapping(value, path)
    if call.get("type") is not None:
        fields.choice(call["type"], f"{path}.type", ("function",))
    function = fields.mapping(call.get("function"), f"{path}.function")
    return ToolCall(
        id=fields.text(call.get("id"), f"{path}.id", most=256, least=1),
        name=fields.text(function.get("name"), f"{path}.function.name", most=256, least=1),
        arguments=fields.text(function.get("arguments", ""), f"{path}.function.arguments"),
    )
