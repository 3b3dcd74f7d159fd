"""The shapes of answers and chunks: what `_wires/chat_out` writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fusion_graph.messages import ToolCallDelta
from fusion_graph.server._wires.chat_out import Chunks
from fusion_graph.server._wires.speech import Head
from tests.server.stand import ONE, events_of, stand, text_of

TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
ODD = 'quotes " and \\ and\nlines\r\n\u2028 \U0001f600 \x00 end'


def chunks(**more: Any) -> Chunks:
    return Chunks(Head("r1", "fusion", 1), **more)


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


@pytest.mark.parametrize("top", [{}, {"top_logprobs": 2}])
async def test_logprobs_come_from_the_writer(top: dict[str, int]) -> None:
    async with stand() as at:
        _, body = await at.ask(logprobs=True, **top)
        events = await at.stream(logprobs=True, **top)
        sent = {request.body["model"]: request.body for request in at.upstream.received}
    (choice,) = body["choices"]
    assert "".join(entry["token"] for entry in choice["logprobs"]["content"]) == choice["message"]["content"]
    told = [c["logprobs"]["content"] for e in events[:-1] for c in e["choices"] if c["logprobs"]]
    assert [entry["token"] for part in told for entry in part] == ["The", " written", " answer."]
    assert {model: "logprobs" in sent[model] for model in sent} == {
        "a/x": False, "b/y": False, "j/j": False, "w/w": True,
    }  # fmt: skip
    assert ("top_logprobs" in sent["w/w"]) is bool(top)
    assert body["fusion"]["ignored"] == []


async def test_logprobs_that_nobody_gives_are_named() -> None:
    # wire 1.2: `logprobs: null`, named
    async with stand() as at:
        at.upstream.faults["w/w"].extend(["json", "500"])
        _, body = await at.ask(logprobs=True)
        _, drafted = await at.ask(logprobs=True)
        _, plain = await at.ask()
    for answer in (body, drafted):
        assert answer["choices"][0]["logprobs"] is None
        assert answer["fusion"]["ignored"] == ["logprobs"]
    assert plain["fusion"]["ignored"] == []


@pytest.mark.parametrize("scope", ["total", "final"])
async def test_usage_counts_what_the_operator_says(scope: str) -> None:
    # wire 1.4
    async with stand(usage_scope={"chat_completions": scope}) as at:
        _, body = await at.ask()
        events = await at.stream(stream_options={"include_usage": True})
    for usage, block in ((body["usage"], body["fusion"]), (events[-2]["usage"], events[-3]["fusion"])):
        assert usage.pop("cost") == block["cost_usd"]
        assert usage == block["usage"][scope]
        assert block["usage"]["final"]["total_tokens"] < block["usage"]["total"]["total_tokens"]
