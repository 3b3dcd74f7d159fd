"""The three wires from a client's side: the same conversation as the body of each, and what an answer says, whole or
streamed. Reading a stream also holds it to the rules of its wire."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import aiohttp

from fusion_graph.messages import Message, Sampling, ToolCall

Body = dict[str, Any]


class Told(NamedTuple):
    """What a client understood. `reason` in the words of Chat; `error` is there exactly when it failed, `text` is then
    what had come."""

    text: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    reason: str = ""
    error: Mapping[str, Any] | None = None
    usage: Mapping[str, Any] | None = None


class Wire(NamedTuple):
    path: str
    write: Callable[[str, Sequence[Message], Sampling], Body]
    whole: Callable[[Any], Told]
    stream: Callable[[str], Told]


# --- bodies -----------------------------------------------------------------------------------------------------------


def set_fields(fields: Mapping[str, Any]) -> Body:
    return {name: value for name, value in fields.items() if value not in (None, (), [])}


def write_chat(model: str, messages: Sequence[Message], s: Sampling) -> Body:
    def entry(m: Message) -> Body:
        calls = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in m.tool_calls
        ]
        content = m.content if isinstance(m.content, str) else [dict(part) for part in m.content]
        return {
            "role": m.role,
            "content": content,
            **set_fields({"tool_calls": calls, "tool_call_id": m.tool_call_id or None}),
        }

    fields = {
        "temperature": s.temperature,
        "top_p": s.top_p,
        "max_tokens": s.max_tokens,
        "stop": list(s.stop_sequences),
        "reasoning_effort": s.reasoning_effort,
        "response_format": s.response_format,
        "tools": list(s.tools),
        "tool_choice": s.tool_choice,
        **s.extra,
    }
    return {"model": model, "messages": [entry(m) for m in messages], **set_fields(fields)}


def write_messages(model: str, messages: Sequence[Message], s: Sampling) -> Body:
    turns: list[Body] = []
    first, messages = _first_system(messages)
    for m in messages:
        if m.role == "tool":
            block = {"type": "tool_result", "tool_use_id": m.tool_call_id, "content": m.content}
            if turns and turns[-1]["role"] == "user" and turns[-1].get("results"):
                turns[-1]["content"].append(block)
            else:
                turns.append({"role": "user", "content": [block], "results": True})
        elif m.tool_calls:
            said = [{"type": "text", "text": m.content}] if m.content else []
            uses = [
                {"type": "tool_use", "id": c.id, "name": c.name, "input": json.loads(c.arguments)} for c in m.tool_calls
            ]
            turns.append({"role": "assistant", "content": said + uses})
        else:
            content = m.content if isinstance(m.content, str) else [_block(part) for part in m.content]
            turns.append({"role": m.role, "content": content})
    tools = [
        {"name": f["name"], "description": f.get("description"), "input_schema": f["parameters"]}
        for f in (t["function"] for t in s.tools)
    ]
    form = s.response_format
    config = {
        "effort": s.reasoning_effort,
        "format": None if form is None else {"type": "json_schema", "schema": form["json_schema"]["schema"]},
    }
    fields = {
        "system": first,
        "temperature": s.temperature,
        "top_p": s.top_p,
        "stop_sequences": list(s.stop_sequences),
        "tools": tools,
        "tool_choice": _messages_choice(s),
        "output_config": {k: v for k, v in config.items() if v is not None} or None,
    }
    body = {"model": model, "max_tokens": s.max_tokens or 0}
    return {**body, "messages": [{k: v for k, v in t.items() if k != "results"} for t in turns], **set_fields(fields)}


def _first_system(messages: Sequence[Message]) -> tuple[Any, Sequence[Message]]:
    """What stands before the conversation has a field of its own on the younger wires."""
    return (messages[0].content, messages[1:]) if messages and messages[0].role == "system" else (None, messages)


def _block(part: Mapping[str, Any]) -> Body:
    if part["type"] == "text":
        return {"type": "text", "text": part["text"], "cache_control": {"type": "ephemeral"}}
    url = part["image_url"]["url"]
    if not url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": url}}
    media, _, data = url.removeprefix("data:").partition(";base64,")
    return {"type": "image", "source": {"type": "base64", "media_type": media, "data": data}}


def _messages_choice(s: Sampling) -> Body | None:
    alone = {"disable_parallel_tool_use": True} if s.extra.get("parallel_tool_calls") is False else {}
    if isinstance(s.tool_choice, str):
        return {"type": {"required": "any"}.get(s.tool_choice, s.tool_choice), **alone}
    if s.tool_choice is not None:
        return {"type": "tool", "name": s.tool_choice["function"]["name"], **alone}
    return None


def write_responses(model: str, messages: Sequence[Message], s: Sampling) -> Body:
    items: list[Body] = []
    first, messages = _first_system(messages)
    for m in messages:
        if m.role == "tool":
            items.append({"type": "function_call_output", "call_id": m.tool_call_id, "output": m.content})
            continue
        if m.content or not m.tool_calls:
            content = m.content if isinstance(m.content, str) else [_part(part) for part in m.content]
            items.append({"type": "message", "role": m.role, "content": content})
        items += [
            {"type": "function_call", "call_id": c.id, "name": c.name, "arguments": c.arguments} for c in m.tool_calls
        ]
    form = s.response_format
    choice = s.tool_choice
    if choice is not None and not isinstance(choice, str):
        choice = {"type": "function", "name": choice["function"]["name"]}
    text = {"format": None if form is None else {"type": "json_schema", **form["json_schema"]}}
    fields = {
        "instructions": first,
        "temperature": s.temperature,
        "top_p": s.top_p,
        "max_output_tokens": s.max_tokens,
        "reasoning": None if s.reasoning_effort is None else {"effort": s.reasoning_effort},
        "text": text if form is not None else None,
        "tools": [{"type": "function", **t["function"]} for t in s.tools],
        "tool_choice": choice,
        **s.extra,
    }
    return {"model": model, "input": items, **set_fields(fields)}


def _part(part: Mapping[str, Any]) -> Body:
    if part["type"] == "text":
        return {"type": "input_text", "text": part["text"]}
    return {"type": "input_image", "image_url": part["image_url"]["url"]}


# --- answers ----------------------------------------------------------------------------------------------------------


def whole_chat(body: Any) -> Told:
    if "error" in body:
        return Told(error=body["error"])
    (choice,) = body["choices"]
    calls = choice["message"].get("tool_calls") or ()
    named = tuple((c["id"], c["function"]["name"], c["function"]["arguments"]) for c in calls)
    return Told(choice["message"]["content"] or "", named, choice["finish_reason"], usage=body["usage"])


def stream_chat(text: str) -> Told:
    lines = [block.removeprefix("data: ") for block in text.split("\n\n") if block.startswith("data: ")]
    events = [json.loads(line) for line in lines if line != "[DONE]"]
    said, reason = "", ""
    calls: dict[int, list[str]] = {}
    for choice in (c for event in events for c in event.get("choices", ())):
        said += choice["delta"].get("content") or ""
        reason = choice["finish_reason"] or reason
        for piece in choice["delta"].get("tool_calls") or ():
            known = calls.setdefault(piece["index"], ["", "", ""])
            known[0] += piece.get("id") or ""
            known[1] += piece["function"].get("name") or ""
            known[2] += piece["function"].get("arguments") or ""
    named = tuple((a, b, c) for a, b, c in calls.values())
    assert (lines[-1] == "[DONE]") == bool(reason) == ("error" not in events[-1])
    return Told(said, named, reason, events[-1].get("error"))


STOPS = {"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls", "refusal": "content_filter"}


def whole_messages(body: Any) -> Told:
    if body["type"] == "error":
        assert body["request_id"].startswith("req_")
        return Told(error=body["error"])
    text = "".join(block["text"] for block in body["content"] if block["type"] == "text")
    calls = [(b["id"], b["name"], json.dumps(b["input"])) for b in body["content"] if b["type"] == "tool_use"]
    return Told(text, tuple(calls), STOPS[body["stop_reason"]], usage=body["usage"])


def stream_messages(text: str) -> Told:
    events = sse(text)
    kinds = [event["type"] for event in events]
    assert kinds[0] == "message_start"
    assert kinds.count("message_start") == 1
    blocks: list[Body] = []
    reason, usage, is_open = "", None, False
    for event in events[1:]:
        kind = event["type"]
        if kind == "content_block_start":
            assert not is_open
            assert event["index"] == len(blocks)
            blocks.append({**event["content_block"], "said": ""})
            is_open = True
        elif kind == "content_block_delta":
            assert is_open
            assert event["index"] == len(blocks) - 1
            blocks[-1]["said"] += event["delta"].get("text", "") + event["delta"].get("partial_json", "")
        elif kind == "content_block_stop":
            assert is_open
            is_open = False
        elif kind == "message_delta":
            assert not is_open
            reason, usage = event["delta"]["stop_reason"], event["usage"]
        elif kind == "error":
            assert event is events[-1]
            return Told("".join(block["said"] for block in blocks), error=event["error"])
        else:
            assert kind in ("ping", "message_stop")
    assert kinds[-2:] == ["message_delta", "message_stop"]
    said = "".join(b["said"] for b in blocks if b["type"] == "text")
    calls = [(b["id"], b["name"], b["said"] or "{}") for b in blocks if b["type"] == "tool_use"]
    return Told(said, tuple(calls), STOPS[reason], usage=usage)


def whole_responses(body: Any) -> Told:
    if body.get("object") != "response":
        return Told(error=body["error"])
    assert body["status"] in ("completed", "incomplete")
    text = "".join(part["text"] for item in body["output"] if item["type"] == "message" for part in item["content"])
    calls = [(i["call_id"], i["name"], i["arguments"]) for i in body["output"] if i["type"] == "function_call"]
    why = str((body["incomplete_details"] or {}).get("reason"))
    reason = {"max_output_tokens": "length", "content_filter": "content_filter"}.get(why, "stop")
    return Told(text, tuple(calls), "tool_calls" if calls else reason, usage=body["usage"])


def stream_responses(text: str) -> Told:
    """As an accumulator reads it, which must come to the same as the object at the end."""
    events = sse(text)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    last = events[-1]
    if last["type"] == "response.failed":
        assert last["response"]["status"] == "failed"
        said = "".join(event["delta"] for event in events if event["type"].endswith(".delta"))
        return Told(said, error=last["response"]["error"])
    assert last["type"] in ("response.completed", "response.incomplete")
    items: list[Body] = []
    for event in events:
        kind = event["type"].removeprefix("response.")
        if kind == "output_item.added":
            assert event["output_index"] == len(items)
            items.append({"said": "", "id": event["item"]["id"]})
        elif kind in ("output_text.delta", "function_call_arguments.delta", "custom_tool_call_input.delta"):
            assert items[event["output_index"]]["id"] == event["item_id"]
            items[event["output_index"]]["said"] += event["delta"]
        elif kind in ("output_text.done", "function_call_arguments.done", "custom_tool_call_input.done"):
            whole = event.get("text", event.get("arguments", event.get("input")))
            assert items[event["output_index"]]["said"] == whole
        elif kind == "output_item.done":
            items[event["output_index"]]["item"] = event["item"]
    assert [item["item"] for item in items] == last["response"]["output"]
    return whole_responses(last["response"])


def sse(text: str) -> list[Body]:
    """Events of a stream in which each has a name and one line of data."""
    found = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


WIRES: Mapping[str, Wire] = {
    "chat": Wire("/v1/chat/completions", write_chat, whole_chat, stream_chat),
    "messages": Wire("/v1/messages", write_messages, whole_messages, stream_messages),
    "responses": Wire("/v1/responses", write_responses, whole_responses, stream_responses),
}


def tool(name: str = "look_up") -> Body:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


def call(number: int = 1, arguments: str = '{"q": "x"}') -> ToolCall:
    return ToolCall(id=f"call_{number}", name="look_up", arguments=arguments)


async def read_until(response: aiohttp.ClientResponse, holds: Callable[[str], bool]) -> str:
    """Lines of a stream until what came so far holds."""
    text = ""
    while not holds(text):
        line = await response.content.readline()
        assert line, "the stream ended before"
        text += line.decode()
    return text
