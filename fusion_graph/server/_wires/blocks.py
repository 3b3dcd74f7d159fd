"""A conversation in the blocks of the Messages API (wire contract 3.1), as messages. Pure; media go by and are never
opened. What other vendors' models cannot be told (thinking, blocks of vendor tools) is left out and named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fusion_graph.messages import Message, ToolCall
from fusion_graph.server._errors import invalid
from fusion_graph.server._wires import fields
from fusion_graph.server._wires.messages_tools import CHANGES
from fusion_graph.server._wires.turns import MAX_CALLS, MAX_MEDIA, MAX_MESSAGES, MAX_PARTS

Part = Mapping[str, Any]
FAILED = "[the tool failed]\n"


def read_conversation(body: Mapping[str, Any], ignored: list[str]) -> tuple[Message, ...]:
    """`system` first, then `messages`; a `system` turn may stand anywhere among them."""
    found = [] if body.get("system") is None else [Message("system", _system(body["system"], "system", ignored))]
    entries = fields.array(body.get("messages"), "messages", least=1, most=MAX_MESSAGES)
    for i, entry in enumerate(entries):
        found += _turn(fields.mapping(entry, f"messages[{i}]"), f"messages[{i}]", ignored)
    if all(message.role == "system" for message in found):
        raise invalid("messages hold nothing to answer", "messages")
    if sum(part["type"] != "text" for m in found if not isinstance(m.content, str) for part in m.content) > MAX_MEDIA:
        raise invalid(f"messages hold more than {MAX_MEDIA} images and documents", "messages")
    return tuple(found)


def _system(value: Any, path: str, ignored: list[str]) -> str:
    if isinstance(value, str):
        return value
    blocks = [(i, block) for i, block in _blocks(value, path) if block["type"] not in CHANGES]
    return _words([part for i, block in blocks for part in _part(block, f"{path}[{i}]", ignored)], ignored)


def _turn(entry: Mapping[str, Any], path: str, ignored: list[str]) -> Iterator[Message]:
    role = fields.choice(entry.get("role"), f"{path}.role", ("user", "assistant", "system"))
    content = entry.get("content")
    path = f"{path}.content"
    if isinstance(content, str):
        yield Message(role, content)  # type: ignore[arg-type] # the three are roles of ours
    elif role == "system":
        if text := _system(content, path, ignored):  # there are turns that say nothing, but change the tools
            yield Message("system", text)
    elif role == "assistant":
        yield from _said(content, path, ignored)
    else:
        yield from _told(content, path, ignored)


def _said(content: Any, path: str, ignored: list[str]) -> Iterator[Message]:
    """What the assistant said and called. A turn of thinking alone is none."""
    texts: list[Part] = []
    calls: list[ToolCall] = []
    for i, block in _blocks(content, path):
        if block["type"] == "tool_use":
            calls.append(_call(block, f"{path}[{i}]"))
        else:
            texts += _part(block, f"{path}[{i}]", ignored)
    if len(calls) > MAX_CALLS:
        raise invalid(f"{path} holds more than {MAX_CALLS} tool calls", path)
    if texts or calls:
        yield Message("assistant", _words(texts, ignored), tool_calls=tuple(calls))


def _told(content: Any, path: str, ignored: list[str]) -> Iterator[Message]:
    """Results of tools first, then the rest; media that a tool gave belong to the rest, as few models take them from a
    tool."""
    rest: list[Part] = []
    for i, block in _blocks(content, path):
        if block["type"] == "tool_result":
            result, media = _result(block, f"{path}[{i}]", ignored)
            rest += media
            yield result
        else:
            rest += _part(block, f"{path}[{i}]", ignored)
    if rest:
        yield Message("user", tuple(rest))


def _result(block: Mapping[str, Any], path: str, ignored: list[str]) -> tuple[Message, list[Part]]:
    answers = fields.text(block.get("tool_use_id"), f"{path}.tool_use_id", most=256, least=1)
    content = fields.given(block, "content", "")
    parts: list[Part] = []
    if not isinstance(content, str):
        parts = [part for _, part in _parts(content, f"{path}.content", ignored)]
        content = _text_of(parts)
    failed = block.get("is_error") is not None and fields.boolean(block["is_error"], f"{path}.is_error")
    told = Message("tool", FAILED + content if failed else content, tool_call_id=answers)
    return told, [part for part in parts if part["type"] != "text"]


def _call(block: Mapping[str, Any], path: str) -> ToolCall:
    return ToolCall(
        id=fields.text(block.get("id"), f"{path}.id", most=256, least=1),
        name=fields.text(block.get("name"), f"{path}.name", most=256, least=1),
        arguments=fields.json_text(fields.mapping(block.get("input"), f"{path}.input"), f"{path}.input"),
    )


def _blocks(content: Any, path: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if not isinstance(content, list):
        raise invalid(f"{path} must be a string or an array of blocks", path)
    for i, block in enumerate(fields.array(content, path, most=MAX_PARTS)):
        found = fields.mapping(block, f"{path}[{i}]")
        fields.text(found.get("type"), f"{path}[{i}].type", most=64, least=1)
        yield i, found


def _parts(content: Any, path: str, ignored: list[str]) -> Iterator[tuple[int, Part]]:
    for i, block in _blocks(content, path):
        for part in _part(block, f"{path}[{i}]", ignored):
            yield i, part


def _part(block: Mapping[str, Any], path: str, ignored: list[str]) -> list[Part]:
    """A block as the part that goes upstream; none for what has no counterpart there."""
    kind = block["type"]
    if kind == "text":
        return [_text(fields.text(block.get("text"), f"{path}.text"))]
    if kind == "image":
        return [{"type": "image_url", "image_url": {"url": _address(block, path)}}]
    if kind == "document":
        return _document(block, path, ignored)
    _name(kind, ignored)
    return []


def _name(kind: str, ignored: list[str]) -> None:
    named = f"messages.{kind}"
    if named not in ignored and len(ignored) < fields.MAX_NAMED:
        ignored.append(named)


def _document(block: Mapping[str, Any], path: str, ignored: list[str]) -> list[Part]:
    source = fields.mapping(block.get("source"), f"{path}.source")
    if source.get("type") == "text":
        return [_text(fields.text(source.get("data"), f"{path}.source.data"))]
    if source.get("type") == "content":
        inner = source.get("content")
        if isinstance(inner, str):
            return [_text(inner)]
        return [part for _, part in _parts(inner, f"{path}.source.content", ignored)]
    title = fields.text(fields.given(block, "title", "document"), f"{path}.title", most=500)
    return [{"type": "file", "file": {"filename": title, "file_data": _address(block, path)}}]


def _address(block: Mapping[str, Any], path: str) -> str:
    """A source as one text: a data URL, or the address that the client gave."""
    source = fields.mapping(block.get("source"), f"{path}.source")
    if fields.choice(source.get("type"), f"{path}.source.type", ("base64", "url")) == "url":
        return fields.text(source.get("url"), f"{path}.source.url", least=1)
    media = fields.text(source.get("media_type"), f"{path}.source.media_type", most=128, least=1)
    return f"data:{media};base64,{fields.text(source.get('data'), f'{path}.source.data', least=1)}"


def _text(text: str) -> Part:
    return {"type": "text", "text": text}


def _words(parts: Sequence[Part], ignored: list[str]) -> str:
    """Of a turn that upstreams take texts in alone."""
    for part in parts:
        if part["type"] != "text":
            _name("image" if part["type"] == "image_url" else "document", ignored)
    return _text_of(parts)


def _text_of(parts: Sequence[Part]) -> str:
    return "\n".join(part["text"] for part in parts if part["type"] == "text")
