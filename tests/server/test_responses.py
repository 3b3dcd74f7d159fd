"""POST /v1/responses, from outside."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fusion_graph.providers.sim import Script
from fusion_graph.server import _running, _sse
from fusion_graph.server._failures import Failures
from tests.loopback import read_stream
from tests.server.stand import ONE, Stand, stand
from tests.server.wires import read_until, sse, stream_responses, whole_responses

BODY: dict[str, Any] = {"model": "fusion", "input": "Why?"}


async def post(at: Stand, **more: Any) -> tuple[int, str]:
    headers = more.pop("headers", {})
    async with at.session.post(at.url("/v1/responses"), json={**BODY, **more}, headers=headers) as response:
        return response.status, await read_stream(response)


async def test_whole_and_streamed_say_the_same() -> None:
    async with stand() as at:
        status, text = await post(at, metadata={"a": "b"}, instructions="Be brief.")
        _, streamed = await post(at, stream=True, metadata={"a": "b"}, instructions="Be brief.")
    whole, last = json.loads(text), sse(streamed)[-1]["response"]
    assert status == 200
    assert whole_responses(whole).text == stream_responses(streamed).text == "The written answer."
    assert whole.keys() == last.keys()
    varies = {"id", "output", "fusion", "created_at", "usage"}
    assert {k: v for k, v in whole.items() if k not in varies} == {k: v for k, v in last.items() if k not in varies}
    assert [item["type"] for item in whole["output"]] == [item["type"] for item in last["output"]]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_nothing_is_kept(method: str) -> None:
    async with stand() as at, at.session.request(method, at.url("/v1/responses/resp_1")) as response:
        assert response.status == 404


async def test_length_is_incomplete() -> None:
    async with stand(None, ONE) as at:
        at.upstream.faults["w/w"].extend(["length"] * 2)
        _, text = await post(at, model="one")
        _, streamed = await post(at, model="one", stream=True)
    assert json.loads(text)["status"] == "incomplete"
    assert sse(streamed)[-1]["type"] == "response.incomplete"
    assert whole_responses(json.loads(text)).reason == stream_responses(streamed).reason == "length"


@pytest.mark.parametrize("stream", [False, True])
async def test_what_failed_for_good_is_not_sent_again(stream: bool) -> None:
    """400 before the status has left, `invalid_prompt` after: its clients replay everything else."""
    async with stand({"w/w": ("Hel", asyncio.Event())}, ONE) as at:
        at.upstream.faults["w/w"].append("context")
        status, text = await post(at, model="one", stream=stream)
        again, _ = await post(at, model="one", stream=stream)
        assert len(at.upstream.received) == 1  # the second was answered from memory
    assert (status, again) == (400, 400)
    assert json.loads(text)["error"]["code"] == "context_length"


@pytest.mark.parametrize("fault", ["500", "cut"])
async def test_who_does_not_wait_is_answered_from_memory(fault: str) -> None:
    """Its clients send a failed run again at once, many times; it is told how long to wait."""
    clock = Clock()
    async with stand(None, ONE) as at:
        at.server.service.failures = Failures(clock)
        at.upstream.faults["w/w"].extend([fault] * 2)
        for _ in range(6):
            _, text = await post(at, model="one", stream=True, headers={"Connection": "close"})
        assert len(at.upstream.received) == 1
        assert "no node gave" in text
        clock.now += 5.1
        _, text = await post(at, model="one", stream=True, headers={"Connection": "close"})
        assert len(at.upstream.received) == 2


class Clock:
    """Time that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def stream(at: Stand) -> Any:
    """An open stream; use with `async with`."""
    return at.session.post(at.url("/v1/responses"), json={**BODY, "stream": True})


async def test_silence_is_filled_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sse, "BEAT_S", 0.02)
    monkeypatch.setattr(_running, "COMMIT_S", 0.02)
    beat, gate, later = "event: response.in_progress", asyncio.Event(), asyncio.Event()
    script: Script = {"j/j": (gate, "no json"), "w/w": ("Hel", later, "lo")}
    async with stand(script) as at, stream(at) as response:
        text = await read_until(response, lambda text: text.count(beat) >= 4)
        gate.set()
        text += await read_until(response, lambda text: "Hel" in text and text.count(beat) >= 3)
        later.set()
        told = stream_responses(await read_stream(response, text))
    assert told.text == "Hello"


async def test_a_server_that_ends_says_so_in_its_words() -> None:
    async with stand({"w/w": ("Hel", asyncio.Event())}) as at, stream(at) as response:
        text = await read_until(response, lambda text: "Hel" in text)
        assert await at.server.service.admission.drain(0.01) == 1
        told = stream_responses(await read_stream(response, text))
    assert told.error is not None
    assert told.error["code"] == "server_error"
