"""Sentences of the wire contract that belong to no one file of the server, seen from outside."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from fusion_graph.messages import Message, Sampling
from fusion_graph.server._errors import Refused
from fusion_graph.server._wires.tools import MAX_BYTES, MAX_TOOLS
from tests.server.stand import ONE, PANEL, Stand, stand
from tests.server.wires import WIRES, Body, call, tool

ASKED = (Message("user", "Why?"),)
HISTORY = (
    Message("user", "Why?"),
    Message("assistant", "Let me see.", tool_calls=(call(1),)),
    Message("tool", "because of the canary", tool_call_id="call_1"),
    Message("user", "And why that?"),
)


def body_of(wire: str, *, messages: tuple[Message, ...] = ASKED, tools: tuple[Body, ...] = (), **more: Any) -> Body:
    return {**WIRES[wire].write("fusion", messages, Sampling(max_tokens=50, tools=tools)), **more}


async def post(at: Stand, wire: str, body: Body, **headers: str) -> tuple[int, Mapping[str, str], str]:
    data = io.BytesIO(json.dumps(body).encode())
    typed = {"Content-Type": "application/json", **headers}
    async with at.session.post(at.url(WIRES[wire].path), data=data, headers=typed) as response:
        return response.status, response.headers, await response.text()


@pytest.mark.parametrize("path", ["/health", "/livez", "/readyz", "/"])
async def test_probes_answer_head_and_call_nobody(path: str) -> None:
    # wire 1.1
    async with stand() as at, at.session.head(at.url(path)) as response:
        assert response.status == 200
        assert await response.read() == b""
        assert at.upstream.received == []


@pytest.mark.parametrize("path", ["/messages", "/v1/messages/", "/v1/v1/messages?beta=true", "/v1/messages?a=b&c"])
async def test_addresses_may_be_set_wrong(path: str) -> None:
    # wire 1.1
    async with stand() as at:
        media = {"Content-Type": "application/json; charset=utf-8"}
        data = json.dumps(body_of("messages"))
        async with at.session.post(at.url(path), data=data, headers=media) as response:
            assert response.status == 200


@pytest.mark.parametrize("wire", WIRES)
async def test_tools_are_bounded_in_number_and_bytes(wire: str) -> None:
    # wire 1.8
    many = tuple(tool(f"t{i}") for i in range(MAX_TOOLS + 1))
    large = tool()
    large["function"]["parameters"] = {"type": "object", "description": "x" * MAX_BYTES}
    deep: Body = {}
    for _ in range(100):
        deep = {"properties": {"x": deep}}
    nested = tool()
    nested["function"]["parameters"] = {"type": "object", **deep}
    async with stand() as at:
        for tools in (many, (large,), (nested,)):
            assert (await post(at, wire, body_of(wire, tools=tools)))[0] == 400
        assert at.upstream.received == []


async def test_a_demand_that_no_model_met_is_told_in_words() -> None:
    # wire 1.8
    async with stand(None, ONE) as at:
        status, _, text = await post(at, "chat", body_of("chat", tools=(tool(),), model="one", tool_choice="required"))
    error = json.loads(text)["error"]
    assert (status, error["code"]) == (502, "response_format_unmet")
    assert "not come in the form that the request demands" in error["message"]


@pytest.mark.parametrize("wire", WIRES)
async def test_panel_and_judge_read_tool_turns_as_text(wire: str) -> None:
    # wire 1.8: many upstreams refuse tool messages without tools; the writer has them verbatim
    async with stand() as at:
        assert (await post(at, wire, body_of(wire, messages=HISTORY, tools=(tool(),))))[0] == 200
        sent = {request.body["model"]: request.body for request in at.upstream.received}
    for model in ("a/x", "b/y", "j/j"):
        assert "tools" not in sent[model]
        assert {message["role"] for message in sent[model]["messages"]} <= {"system", "user", "assistant"}
        assert "because of the canary" in json.dumps(sent[model]["messages"])
    assert [m["role"] for m in sent["w/w"]["messages"]].count("tool") == 1
    assert '"id": "call_1"' in json.dumps(sent["w/w"]["messages"])


async def test_stream_of_chat_holds_nothing_that_breaks_a_reader() -> None:
    # wire 1.5: no ids, names or bare comments; `choices: []` for counts only; no `error` beside an answer
    async with stand() as at:
        _, headers, text = await post(at, "chat", body_of("chat", stream=True, stream_options={"include_usage": True}))
    assert headers["Cache-Control"] == "no-cache"
    assert "Content-Encoding" not in headers
    assert "\r" not in text
    blocks = text.removesuffix("\n\n").split("\n\n")
    assert all(block.startswith("data: ") or block == ": keep-alive" for block in blocks)
    events = [json.loads(b.removeprefix("data: ")) for b in blocks if b.startswith("data: {")]
    assert not any("error" in event for event in events)
    assert [bool(event["choices"]) for event in events].count(False) == 1
    assert events[-1]["usage"]["cost"] is not None


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize(("asked", "told"), [(None, "5"), (0, "1"), (999, "120")])
def test_what_may_pass_says_how_long_to_wait(status: int, asked: int | None, told: str) -> None:
    # wire 1.6: whole seconds, 1 to 120
    assert Refused(status, "x", "x", retry_after_s=asked).lines == f"Retry-After: {told}\r\n"


@pytest.mark.parametrize(("wire", "status"), [("chat", 503), ("responses", 503), ("messages", 529)])
async def test_who_comes_while_it_ends_is_told_to_wait(wire: str, status: int) -> None:
    # wire 1.6
    async with stand() as at:
        await at.server.service.admission.drain(0)
        found, headers, text = await post(at, wire, body_of(wire))
    assert (found, headers["Retry-After"]) == (status, "5")
    assert wire != "messages" or json.loads(text)["error"]["type"] == "overloaded_error"


async def test_replays_are_counted_by_client_and_endpoint() -> None:
    # wire 1.7
    async with stand(None, ONE) as at:
        at.upstream.faults["w/w"].append("500")
        agent = {"User-Agent": "OpenAI/Python 3.0", "x-stainless-retry-count": "1"}
        assert (await at.ask(model="one", headers=agent))[0] == 502
        async with at.session.get(at.url("/metrics")) as response:
            text = await response.text()
    assert 'replays_total{client="openai",route="/v1/chat/completions",told_by="retry_count"} 1' in text


async def test_unread_fields_are_logged_once() -> None:
    # wire 1.2
    async with stand() as at:
        for _ in range(2):
            assert (await at.ask(web_search_options={}, odd=1))[0] == 200
        told = [line["field"] for line in at.log if line["event"] == "ignored"]
    assert sorted(told) == ["odd", "web_search_options"]


async def test_traces_of_an_earlier_fusion_are_taken() -> None:
    # wire 2: history as OpenRouter's clients send it back
    detail = {"type": "reasoning.server_tool_call", "data": {}}
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y", "reasoning_details": [detail]}]
    async with stand(None, PANEL) as at:
        assert (await at.ask(messages=[*turns, {"role": "user", "content": "z"}]))[0] == 200
        lost = {"status": "completed", "failure_reason": "analyst_upstream_error"}
        items = [{"type": "openrouter:fusion", "id": "fus_1", **lost}, {"role": "user", "content": "x"}]
        status, _, text = await post(at, "responses", {"model": "fusion", "input": items})
    assert status == 200
    assert json.loads(text)["fusion"]["ignored"] == []
