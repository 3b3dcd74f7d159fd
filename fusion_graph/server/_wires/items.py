"""A conversation in the items of the Responses API (wire contract 3.2), as messages. Pure; media go by and are never
opened. Calls join the assistant's turn before them, as one turn is one message upstream."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from fusion_graph.messages import Message, Role, ToolCall
from fusion_graph.server._errors import invalid
from fusion_graph.server._wires import fields
from fusion_graph.server._wires.names import Names
from fusion_graph.server._wires.turns import MAX_CALLS, MAX_MEDIA, MAX_MESSAGES, MAX_PARTS, read_media

Part = Mapping[str, Any]
ROLES: Mapping[str, Role] = {"developer": "system", "system": "system", "user": "user", "assistant": "assistant"}


class Conversation:
    """Grows item by item. Media that a tool gave follow the tools' results as the user's, as few models take them from
    a tool."""

    def __init__(self, names: Names, ignored: list[str]) -> None:
        self._names = names
        self._ignored = ignored
        self._found: list[Message] = []
        self._media: list[Part] = []
        self._behind: list[str] = []  # what the assistant said behind its calls and before their results

    def add(self, value: Any, path: str) -> None:
        item = fields.mapping(value, path)
        kind = fields.text(fields.given(item, "type", "message"), f"{path}.type", most=64)
        if kind == "item_reference":
            raise invalid("this server keeps nothing, so an item must come whole", f"{path}.type")
        if not kind.endswith("_output"):
            self._settle()
        reader = self._readers.get(kind)
        if reader is not None:
            reader(self, item, path)
        elif (named := f"input.{kind}") not in self._ignored and len(self._ignored) < fields.MAX_NAMED:
            self._ignored.append(named)

    def messages(self, instructions: str | None) -> tuple[Message, ...]:
        """All of it, the instructions first."""
        self._settle()
        self._end_turn()
        if not any(message.role != "system" for message in self._found):
            raise invalid("input holds nothing to answer", "input")
        media = (part for m in self._found if not isinstance(m.content, str) for part in m.content)
        if sum(part["type"] != "text" for part in media) > MAX_MEDIA:
            raise invalid(f"input holds more than {MAX_MEDIA} images, sounds and files", "input")
        return (*([Message("system", instructions)] if instructions else ()), *self._found)

    # --- items --------------------------------------------------------------------------------------------------------

    def _message(self, item: Mapping[str, Any], path: str) -> None:
        role = ROLES[fields.choice(item.get("role"), f"{path}.role", tuple(ROLES))]
        content = item.get("content")
        if not isinstance(content, str):
            parts = _parts(content, f"{path}.content")
            content = parts if role == "user" else _text_of(parts)
        if role == "assistant" and self._found and self._found[-1].tool_calls:
            self._behind.append(str(content))
        else:
            self._end_turn()
            self._found.append(Message(role, content))

    def _call(self, item: Mapping[str, Any], path: str) -> None:
        name = fields.text(item.get("name"), f"{path}.name", most=256, least=1)
        space = fields.given(item, "namespace", "")
        arguments = fields.text(item.get("arguments", ""), f"{path}.arguments")
        self._append(item, path, self._names.flat(name, fields.text(space, f"{path}.namespace", most=256)), arguments)

    def _custom_call(self, item: Mapping[str, Any], path: str) -> None:
        name = fields.text(item.get("name"), f"{path}.name", most=256, least=1)
        text = fields.text(item.get("input", ""), f"{path}.input")
        self._append(item, path, self._names.flat(name, ""), json.dumps({"input": text}, ensure_ascii=False))

    def _append(self, item: Mapping[str, Any], path: str, name: str, arguments: str) -> None:
        call = ToolCall(id=_call_id(item, path), name=name, arguments=arguments)
        if self._found and self._found[-1].role == "assistant":
            last = self._found.pop()
            if len(last.tool_calls) == MAX_CALLS:
                raise invalid(f"{path} is the call of a turn that has {MAX_CALLS} already", path)
            self._found.append(last._replace(tool_calls=(*last.tool_calls, call)))
        else:
            self._found.append(Message("assistant", "", tool_calls=(call,)))

    def _output(self, item: Mapping[str, Any], path: str) -> None:
        output = fields.given(item, "output", "")
        if not isinstance(output, str):
            parts = _parts(output, f"{path}.output")
            self._media += [part for part in parts if part["type"] != "text"]
            output = _text_of(parts)
        self._end_turn()
        self._found.append(Message("tool", output, tool_call_id=_call_id(item, path)))

    def _pass(self, _item: Mapping[str, Any], _path: str) -> None:
        """What an earlier answer of ours held beside its text."""

    def _settle(self) -> None:
        if self._media:
            self._found.append(Message("user", tuple(self._media)))
            self._media = []

    def _end_turn(self) -> None:
        """What was said behind the calls joins the turn that has them."""
        if self._behind:
            last = self._found[-1]
            self._found[-1] = last._replace(content="\n".join(filter(None, (last.text, *self._behind))))
            self._behind = []

    _readers: Mapping[str, Callable[[Conversation, Mapping[str, Any], str], None]] = {
        "message": _message,
        "function_call": _call,
        "custom_tool_call": _custom_call,
        "function_call_output": _output,
        "custom_tool_call_output": _output,
        "openrouter:fusion": _pass,
    }


def read_input(value: Any, instructions: str | None, names: Names, ignored: list[str]) -> tuple[Message, ...]:
    """`input` and `instructions` as messages."""
    told = Conversation(names, ignored)
    if isinstance(value, str):
        told.add({"role": "user", "content": value}, "input")
    else:
        for i, item in enumerate(fields.array(value, "input", least=1, most=MAX_MESSAGES)):
            told.add(item, f"input[{i}]")
    return told.messages(instructions)


def _call_id(item: Mapping[str, Any], path: str) -> str:
    return fields.text(item.get("call_id"), f"{path}.call_id", most=256, least=1)


def _parts(content: Any, path: str) -> tuple[Part, ...]:
    if not isinstance(content, list):
        raise invalid(f"{path} must be a string or an array of parts", path)
    entries = fields.array(content, path, most=MAX_PARTS)
    return tuple(_part(fields.mapping(part, f"{path}[{i}]"), f"{path}[{i}]") for i, part in enumerate(entries))


TEXTS = {"input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal"}


def _part(part: Mapping[str, Any], path: str) -> Part:
    kind = fields.choice(part.get("type"), f"{path}.type", (*TEXTS, "input_image", "input_file", "input_audio"))
    if kind in TEXTS:
        return {"type": "text", "text": fields.text(part.get(TEXTS[kind]), f"{path}.{TEXTS[kind]}")}
    if kind == "input_image":
        image = {"url": fields.text(part.get("image_url"), f"{path}.image_url", least=1)}
        if part.get("detail") is not None:
            image["detail"] = fields.text(part["detail"], f"{path}.detail", most=64)
        return {"type": "image_url", "image_url": image}
    if kind == "input_audio":
        return {"type": kind, kind: read_media(part, kind, path)}
    data = part.get("file_data") if part.get("file_url") is None else part["file_url"]
    name = fields.text(fields.given(part, "filename", "file"), f"{path}.filename", most=500)
    return {"type": "file", "file": {"filename": name, "file_data": fields.text(data, f"{path}.file_data", least=1)}}


def _text_of(parts: tuple[Part, ...]) -> str:
    return "\n".join(part["text"] for part in parts if part["type"] == "text")
