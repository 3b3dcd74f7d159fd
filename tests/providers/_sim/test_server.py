"""The sim as an upstream: the API as clients know it, faults from options and script, and what it remembers.

Covers `_sim/server`, `_sim/http` and `_sim/play`.
"""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientConnectionResetError, web

from fusion_graph.contracts import Backend
from fusion_graph.errors import ProviderError, Transient, UsageError
from fusion_graph.messages import Completion, Message, Sampling, ToolCall
from fusion_graph.providers._openai.client import OpenAIClient
from fusion_graph.providers._sim.faults import FAULTS
from fusion_graph.providers._sim.http import ReplyWriter
from fusion_graph.providers._sim.server import SimOptions, SimServer, serve, start
from tests.providers.rawserver import asking, ignore

HELLO = {"model": "a/x", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def post(http: aiohttp.ClientSession, upstream: SimServer, body: Any, path: str = "/v1/chat/completions") -> Any:
    async with http.post(upstream.url.removesuffix("/v1") + path, json=body) as response:
        return await response.json()


async def get(http: aiohttp.ClientSession, upstream: SimServer, path: str) -> Any:
    async with http.get(upstream.url.removesuffix("/v1") + path) as response:
        return await response.json()


# --- the API ----------------------------------------------------------------------------------------------------------


async def test_json_reply_has_the_api_shape(http: aiohttp.ClientSession, upstream: SimServer) -> None:
    upstream.sim.script["a/x"] = "Hi."
    reply = await post(http, upstream, HELLO)
    assert reply["object"] == "chat.completion"
    assert reply["simulated"] is True
    assert reply["choices"][0]["message"] == {"role": "assistant", "content": "Hi.", "refusal": None}
    assert reply["usage"]["total_tokens"] == 3


async def test_stream_has_the_api_shape(http: aiohttp.ClientSession, upstream: SimServer) -> None:
    upstream.sim.script["a/x"] = ("Hel", "lo")
    body = {**HELLO, "stream": True, "stream_options": {"include_usage": True}}
    async with http.post(upstream.url + "/chat/completions", json=body) as response:
        assert response.headers["Content-Type"] == "text/event-stream"
        events = (await response.text()).strip().split("\n\n")
    assert events.pop() == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks[:-1]]
    assert deltas == [{"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo"}, {}]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 2


async def test_models_list_names_every_fault(http: aiohttp.ClientSession, upstream: SimServer) -> None:
    names = {entry["id"] for entry in (await get(http, upstream, "/v1/models"))["data"]}
    assert {f"sim/fault-{name}" for name in FAULTS} < names
    assert "sim/demo" in names


@pytest.mark.parametrize("body", [{}, {"model": "a/x"}, {"model": "a/x", "messages": "x"}, []])
async def test_other_bodies_are_refused(body: Any, http: aiohttp.ClientSession, upstream: SimServer) -> None:
    assert (await post(http, upstream, body))["error"]["code"] == 400


async def test_tool_calls_cross_the_wire(upstream: SimServer, client: OpenAIClient) -> None:
    calls = (ToolCall(id="c1", name="look_up", arguments='{"q": 1}'), ToolCall(id="c2", name="stop", arguments="{}"))
    upstream.sim.script["a/x"] = Completion(reasoning="Hm.", tool_calls=calls, finish_reason="tool_calls")
    history = (
        Message("user", "hi"),
        Message("assistant", "", tool_calls=calls),
        Message("tool", "1", tool_call_id="c1"),
    )
    call = replace(asking(), messages=history, sampling=Sampling(tools=({"type": "function"},)))
    reply = await client.complete(call, ignore)
    assert (reply.tool_calls, reply.reasoning) == (calls, "Hm.")
    assert upstream.sim.received[0].messages[1].tool_calls == calls


# --- what it is told --------------------------------------------------------------------------------------------------


async def test_scripted_error_has_its_status(upstream: SimServer, client: OpenAIClient) -> None:
    upstream.sim.script["a/x"] = Transient("rate_limited", status=429, retry_after_s=2)
    with pytest.raises(ProviderError) as caught:
        await client.complete(asking(), ignore)
    assert (caught.value.reason, caught.value.retry_after_s) == ("rate_limited", 2.0)


async def test_error_after_content_is_an_event(upstream: SimServer, client: OpenAIClient) -> None:
    upstream.sim.script["a/x"] = ("part", 0.02, Transient("upstream_5xx", status=503))
    with pytest.raises(ProviderError) as caught:
        await client.complete(asking(), ignore)
    assert caught.value.reason == "upstream_5xx"


async def test_queued_faults_come_in_turn(
    http: aiohttp.ClientSession, upstream: SimServer, client: OpenAIClient
) -> None:
    script = {"faults": {"a/x": ["429", ""], "*": ["cut"]}, "replies": {"a/x": ["scripted"]}}
    await post(http, upstream, script, "/_sim/script")
    ends = []
    for _ in range(4):
        try:
            ends.append((await client.complete(asking(), ignore)).text)
        except ProviderError as error:
            ends.append(error.reason)
    assert ends == ["rate_limited", "scripted", "truncated_stream", "scripted"]


async def test_received_requests_are_listed(
    http: aiohttp.ClientSession, upstream: SimServer, client: OpenAIClient
) -> None:
    await client.complete(asking(), ignore)
    seen = await get(http, upstream, "/_sim/received")
    assert seen["received"][0]["body"]["model"] == "a/x"
    assert "canary" not in json.dumps(seen)


async def test_identical_requests_differ_without_a_seed(client: OpenAIClient) -> None:
    plain = [(await client.complete(asking("q/q"), ignore)).text for _ in range(8)]
    seeded = [(await client.complete(asking("q/q", Sampling(seed=3)), ignore)).text for _ in range(4)]
    assert len(set(plain)) > 1
    assert len(set(seeded)) == 1


async def test_fault_hits_its_share() -> None:
    server = await start(options=SimOptions(fault="503", fault_share=0.5))
    client = OpenAIClient(Backend(name="test", base_url=server.url))
    failed = 0
    for _ in range(30):
        try:
            await client.complete(asking(), ignore)
        except Transient:
            failed += 1
    assert 5 < failed < 25
    await client.aclose()
    await server.aclose()


def test_unknown_fault_is_refused_with_the_list() -> None:
    with pytest.raises(UsageError) as caught:
        SimServer(SimOptions(fault="nope"))
    assert "stall-mid" in caught.value.hint


async def test_wrong_key_is_refused() -> None:
    server = await start(options=SimOptions(api_key="right"))
    right, wrong = (OpenAIClient(Backend(name="test", base_url=server.url, api_key=key)) for key in ("right", "wrong"))
    assert (await right.complete(asking(), ignore)).text
    with pytest.raises(ProviderError) as caught:
        await wrong.complete(asking(), ignore)
    assert caught.value.reason == "auth_failed"
    for opened in (right, wrong, server):
        await opened.aclose()


async def test_serve_says_where_and_ends_when_cancelled() -> None:
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve("127.0.0.1", 0, ready=told.set_result))
    assert (await told).startswith("http://127.0.0.1:")
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_a_client_that_leaves_while_it_is_written_to_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def left(_self: ReplyWriter, *_asked: object) -> web.StreamResponse:
        raise ClientConnectionResetError("Cannot write to closing transport")

    upstream = await start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ReplyWriter, "write", left)  # the moment between loss and cancellation cannot be ordered
        async with aiohttp.ClientSession() as http, http.post(f"{upstream.url}/chat/completions", json=HELLO) as reply:
            await reply.read()
    await upstream.aclose()
    assert caplog.records == []


async def test_client_that_leaves_makes_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    """In the middle of each fault and of a reply, politely or with a reset."""
    server = await start(options=SimOptions())
    body = {"stream": True, "messages": [{"role": "user", "content": "sim: say " + json.dumps("word " * 50_000)}]}
    for model in ("sim/alpha", *(f"sim/fault-{name}" for name in FAULTS)):
        text = json.dumps({**body, "model": model}).encode()
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
        await writer.drain()
        writer.transport.abort()
    await server.aclose()
    gc.collect()
    assert caplog.text == ""


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"faults": {"a": 1}}'])
async def test_script_that_is_none_is_refused(http: aiohttp.ClientSession, body: bytes) -> None:
    server = await start(options=SimOptions())
    async with http.post(server.url.removesuffix("/v1") + "/_sim/script", data=body) as answer:
        assert answer.status == 400
    await server.aclose()
