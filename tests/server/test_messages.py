"""POST /v1/messages, from outside: what agents send is taken, whatever they are told has its shape. Waiting is tested
with the heart beating fast."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fusion_graph.messages import Completion
from fusion_graph.server import _running, _sse
from fusion_graph.server._auth import Key, digest_of
from tests.loopback import read_stream
from tests.server.stand import ONE, Stand, stand
from tests.server.wires import read_until, sse, stream_messages, whole_messages

RAW = "k" * 20
BODY: dict[str, Any] = {"model": "fusion", "max_tokens": 50, "messages": [{"role": "user", "content": "Why?"}]}
TOOL = {"name": "look_up", "input_schema": {"type": "object"}}


async def post(at: Stand, path: str = "/v1/messages", **more: Any) -> tuple[int, str]:
    headers = {"Connection": "close", **more.pop("headers", {})}  # the server closes those of streams that failed
    async with at.session.post(at.url(path), json={**BODY, **more}, headers=headers) as response:
        return response.status, await read_stream(response)


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages?beta=true", "/messages/", "/v1/v1/messages"])
async def test_any_path_and_any_beta_will_do(path: str) -> None:
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "odd-2030-01-01", "x-api-key": RAW}
    async with stand(keys=[Key(name="alice", digest=digest_of(RAW))]) as at:
        status, text = await post(at, path, headers=headers)
        assert (await post(at, path))[0] == 401
    told = whole_messages(json.loads(text))
    assert (status, told.text, told.reason) == (200, "The written answer.", "stop")


async def test_usage_is_the_writers_unless_set() -> None:
    for scope, same in (({}, "final"), ({"messages": "total"}, "total")):
        async with stand(usage_scope=scope) as at:
            body = json.loads((await post(at))[1])
            stream = (await post(at, stream=True, fusion={"events": True}))[1]
        wanted = body["fusion"]["usage"][same]
        assert body["usage"]["input_tokens"] == wanted["prompt_tokens"]
        assert body["usage"]["output_tokens"] == wanted["completion_tokens"]
        delta = sse(stream)[-2]
        assert delta["usage"]["output_tokens"] == delta["fusion"]["usage"][same]["completion_tokens"]


async def test_block_comes_in_a_stream_only_if_asked() -> None:
    async with stand() as at:
        assert "fusion" not in sse((await post(at, stream=True))[1])[-2]


async def test_arguments_that_are_no_object_fail_the_run() -> None:
    async with stand(None, ONE) as at:
        at.upstream.faults["w/w"].extend(["tools-bad"] * 2)
        status, text = await post(at, model="one", tools=[TOOL])
        assert (status, json.loads(text)["error"]["type"]) == (500, "api_error")
        _, text = await post(at, model="one", tools=[TOOL], stream=True)
        assert stream_messages(text).error is not None
        status, text = await post(at, model="one", tools=[TOOL])
        assert (status, whole_messages(json.loads(text)).text) == (200, "The written answer.")


async def test_the_copy_that_does_not_stream_is_not_paid_twice() -> None:
    """A client that saw a stream break off sends the same again, whole: what was paid for is there."""
    async with stand() as at:
        at.upstream.faults["w/w"].extend(["cut"])
        _, text = await post(at, stream=True)
        assert stream_messages(text).error is not None
        before = len(at.upstream.received)
        status, text = await post(at)
        calls = [request.body["model"] for request in at.upstream.received[before:]]
    assert (status, calls) == (200, ["w/w"])
    assert [n["state"] for n in json.loads(text)["fusion"]["nodes"] if n["name"].startswith("panel/")] == [
        "replayed"
    ] * 2


@pytest.mark.parametrize("mode", [False, True])
async def test_a_stop_text_is_told_where_the_upstream_says_so(mode: bool) -> None:
    reply = Completion(text="One, two", stop_sequence="END")
    async with stand({"w/w": reply}) as at:
        told = []
        for stops in (["STOP", "END"], []):
            text = (await post(at, stream=mode, stop_sequences=stops))[1]
            end = sse(text)[-2]["delta"] if mode else json.loads(text)
            told.append((end["stop_reason"], end["stop_sequence"]))
    assert told == [("stop_sequence", "END"), ("end_turn", None)]


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sse, "BEAT_S", 0.02)
    monkeypatch.setattr(_running, "COMMIT_S", 0.02)


def stream(at: Stand) -> Any:
    """An open stream; use with `async with`."""
    body, headers = {**BODY, "stream": True}, {"Connection": "close"}
    return at.session.post(at.url("/v1/messages"), json=body, headers=headers)


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("waits", ["a/x", "j/j", "w/w"])
async def test_silence_is_filled_in_every_phase(waits: str) -> None:
    gate = asyncio.Event()
    reply = "no json" if waits == "j/j" else "Some text."
    async with stand({waits: (gate, reply)}) as at, stream(at) as response:
        text = await read_until(response, lambda text: text.count("event: ping") >= 3)
        assert text.startswith("event: message_start\n")
        gate.set()
        told = stream_messages(await read_stream(response, text))
    assert told.error is None
    assert told.text


@pytest.mark.usefixtures("fast")
async def test_silence_within_the_answer_is_filled_too() -> None:
    gate = asyncio.Event()
    async with stand({"w/w": ("Hel", gate, "lo")}) as at, stream(at) as response:
        text = await read_until(response, lambda text: "Hel" in text and text.count("event: ping") >= 2)
        gate.set()
        assert stream_messages(await read_stream(response, text)).text == "Hello"


async def test_a_server_that_ends_says_so_in_its_words() -> None:
    async with stand({"w/w": ("Hel", asyncio.Event())}) as at:
        async with stream(at) as response:
            text = await read_until(response, lambda text: "Hel" in text)
            assert await at.server.service.admission.drain(0.01) == 1
            told = stream_messages(await read_stream(response, text))
        assert told.error is not None
        assert told.error["type"] == "overloaded_error"
        status, text = await post(at)
        assert (status, json.loads(text)["error"]["type"]) == (529, "overloaded_error")
