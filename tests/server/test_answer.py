"""The shapes of answers and chunks: what `_answer` writes."""

from __future__ import annotations

import json
from typing import Any

from fusion_graph.messages import ToolCallDelta
from fusion_graph.server._answer import Chunks
from tests.server.stand import ONE, events_of, stand, text_of

TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
ODD = 'quotes " and \\ and\nlines\r\n\u2028 \U0001f600 \x00 end'


def chunks(**more: Any) -> Chunks:
    return Chunks("fusion", 1, "r1", include_usage=False, **more)


def test_text_survives_whatever_it_holds() -> None:
    data = chunks().text(ODD)
    assert data.isascii()
    assert b"\r" not in data
    assert text_of(events_of(data.decode())) == ODD


def test_choices_begin_in_order() -> None:
    # wire 1.2: choice indexes first appear in ascending order
    events = events_of(chunks(n=3).text("x", 2).decode())
    assert [c["index"] for e in events for c in e["choices"]] == [0, 1, 2, 2]


def test_call_has_its_name_once() -> None:
    made = chunks()
    first, second = (
        made.calls((ToolCallDelta(0, "c1", "look_up", '{"q":'),)),
        made.calls((ToolCallDelta(0, "", "", '"x"}'),)),
    )
    (start,), (rest,) = (events_of(d.decode())[-1]["choices"][0]["delta"]["tool_calls"] for d in (first, second))
    assert start == {"index": 0, "id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"q":'}}
    assert rest == {"index": 0, "function": {"arguments": '"x"}'}}


async def test_tool_calls_come_whole_and_streamed() -> None:
    async with stand(None, ONE) as at:
        at.upstream.faults["w/w"].extend(["tools", "tools"])
        _, body = await at.ask(model="one", tools=[TOOL])
        events = await at.stream(model="one", tools=[TOOL])
    (choice,) = body["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    (call,) = choice["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"q": "x"}
    pieces = [p for e in events[:-1] for c in e["choices"] for p in c["delta"].get("tool_calls", ())]
    assert pieces[0]["id"] == call["id"]
    assert "".join(p["function"]["arguments"] for p in pieces) == call["function"]["arguments"]
    assert events[-2]["choices"][0]["finish_reason"] == "tool_calls"


async def test_cut_answer_says_so() -> None:
    async with stand(None, ONE) as at:
        at.upstream.faults["w/w"].append("length")
        _, body = await at.ask(model="one")
    assert body["choices"][0]["finish_reason"] == "length"
    assert [entry["reason"] for entry in body["fusion"]["degraded"]] == ["truncated"]
