"""Runs for clients who stay, leave, or do not read; upstreams that fail; a server that stops. `_sse`, `_errors`,
`_report` and `_progress` are seen from outside here."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import aiohttp
import pytest

from fusion_graph.messages import Message, Sampling
from fusion_graph.providers.sim import Script
from tests.loopback import read_stream
from tests.server.stand import ONE, events_of, stand, text_of
from tests.server.wires import WIRES

ASKED = {"model": "one", "messages": [{"role": "user", "content": "Why?"}]}


async def test_stream_that_breaks_never_ends_well() -> None:
    async with stand(None, ONE) as at:
        at.upstream.faults["w/w"].append("cut")
        events = await at.stream(model="one")
    assert text_of(events[:-1]) == "The quick "
    assert events[-1]["error"]["code"] == "all_panels_failed"
    assert all(c["finish_reason"] is None for e in events[:-1] for c in e["choices"])


@pytest.mark.parametrize("changes", [{}, {"deadline_s": 600}, {"max_calls": 9}, {"params": {"writer": "a/x"}}])
async def test_deadline_is_504(changes: dict[str, Any]) -> None:
    """That of the server, whatever the request changes."""
    hangs = {"w/w": (asyncio.Event(),), "a/x": (asyncio.Event(),)}
    form = ONE.replace("w/w", "$writer").replace(
        "defaults:", "params: {writer: {type: string, default: w/w}}\ndefaults:"
    )
    asked = {"model": "one", "fusion": changes}
    async with stand(hangs, form, deadline_s=0.2) as at, at.post(asked) as response:
        body = await response.json()
    assert (response.status, body["error"]["code"]) == (504, "deadline")
    assert response.headers["x-should-retry"] == "false"


# --- clients that leave -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("waits", ["a/x", "j/j", "w/w"])
async def test_leaving_cancels_the_run(waits: str, stream: bool, wire: str) -> None:
    # wire 1.5: in every phase, on three APIs, streamed or not, within a second
    script: Script = {waits: (asyncio.Event(), "never")}
    body = {**WIRES[wire].write("fusion", (Message("user", "Why?"),), Sampling(max_tokens=10)), "stream": stream}
    async with stand(script) as at:

        async def ask() -> None:
            async with at.session.post(at.url(WIRES[wire].path), json=body) as response:
                await response.read()

        asking = asyncio.create_task(ask())
        await at.upstream.sim.called(waits)
        asking.cancel()
        async with asyncio.timeout(1):
            await asyncio.wait([asking])
            await at.settled()
        assert [call.model for call in at.upstream.sim.cancelled] == [waits]


async def test_leaving_mid_answer_cancels_the_run() -> None:
    gate = asyncio.Event()
    async with stand({"w/w": ("Hel", gate, "lo")}) as at:
        async with at.post(stream=True) as response:
            async for line in response.content:
                if b"Hel" in line:
                    break
            response.close()
        async with asyncio.timeout(1):
            await at.settled()
        assert [call.model for call in at.upstream.sim.cancelled] == ["w/w"]


async def test_client_that_does_not_read_is_gone() -> None:
    flood = ("word " * 2000,) * 2000
    async with stand({"w/w": flood}, ONE, write_s=0.2) as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.server.port, limit=1024)
        body = json.dumps({"model": "one", "stream": True, "messages": [{"role": "user", "content": "x"}]})
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\n\r\n{body}".encode())
        await at.upstream.sim.called("w/w")
        await at.settled()
        writer.transport.abort()
        del reader
    assert at.log[-1]["status"] == 499


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("close", [False, True])
async def test_client_that_never_reads_keeps_nothing(stream: bool, close: bool) -> None:
    """security 20: neither its connection nor what waits for it, though a run of it went well"""
    text = "w" * 900_000
    async with stand({"w/w": lambda _: text}, ONE, write_s=0.1) as at:
        body = json.dumps({**ASKED, "stream": stream, "n": 8})
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", at.server.port))
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
            head += "Connection: close\r\n" if close else ""
            client.sendall(f"{head}Content-Type: application/json\r\n\r\n{body}".encode())
            await at.upstream.sim.called("w/w", 8)
            async with asyncio.timeout(10):
                while at.server.connections:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.01)
    assert [line["status"] for line in at.log] == [499 if stream else 200]  # and nothing was sent behind a cut stream


async def test_slow_client_is_waited_for() -> None:
    """Who takes a little in each while is not gone."""
    text = "w" * 900_000
    async with stand({"w/w": lambda _: text}, ONE, write_s=0.1) as at:
        connector = aiohttp.TCPConnector(socket_factory=_narrow)
        async with (
            aiohttp.ClientSession(connector=connector, read_bufsize=4096) as session,
            session.post(at.url("/v1/chat/completions"), json={**ASKED, "n": 8}) as response,
        ):
            received = 0
            while received < 8 * len(text):
                chunk = await response.content.read(400_000)
                assert chunk, received
                received += len(chunk)
                await asyncio.sleep(0.02)


def _narrow(_address: Any) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    return made


@pytest.mark.parametrize("more", ["", "Connection: keep-alive\r\n"])
async def test_stream_of_an_old_client_ends_with_its_connection(more: str) -> None:
    """HTTP/1.0 has no chunks: nothing else tells where the answer ends"""
    async with stand(None, ONE) as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.server.port)
        body = json.dumps({**ASKED, "stream": True})
        head = f"POST /v1/chat/completions HTTP/1.0\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{more}"
        writer.write(f"{head}Content-Type: application/json\r\n\r\n{body}".encode())
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
    assert answer.endswith(b"data: [DONE]\n\n")
    assert b"keep-alive" not in answer


# --- while nothing is said --------------------------------------------------------------------------------------------


async def test_silence_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    from fusion_graph.server import _running, _sse

    monkeypatch.setattr(_sse, "BEAT_S", 0.02)
    monkeypatch.setattr(_running, "COMMIT_S", 0.02)
    gate = asyncio.Event()
    async with stand({"j/j": (gate, "no json")}) as at, at.post(stream=True) as response:
        for _ in range(3):
            assert await response.content.readline() == b": keep-alive\n"
            assert await response.content.readline() == b"\n"
        gate.set()
        events = events_of(await read_stream(response))
    assert text_of(events) == "The written answer."
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert response.headers["X-Accel-Buffering"] == "no"


async def test_progress_is_shown_when_asked() -> None:
    async with stand() as at:
        events = await at.stream(fusion={"include": ["progress"]})
        plain = await at.stream()
    said = [
        c["delta"]["reasoning_content"] for e in events[:-1] for c in e["choices"] if "reasoning_content" in c["delta"]
    ]
    assert "panel/x: asks a/x\n" in said
    assert not any("Draft" in line for line in said)
    assert not any("reasoning_content" in c["delta"] for e in plain[:-1] for c in e["choices"])


async def test_included_parts_come_along() -> None:
    async with stand() as at:
        _, body = await at.ask(fusion={"include": ["responses", "analysis"]})
    assert [r["content"] for r in body["fusion"]["responses"]] == ["Draft of a.", "Draft of b.", "The written answer."]
    assert set(body["fusion"]["analysis"]) >= {"consensus", "blind_spots"}


# --- the end of the server --------------------------------------------------------------------------------------------


async def test_draining_lets_answers_end() -> None:
    # security 31
    gate = asyncio.Event()
    async with stand({"w/w": ("Hel", gate, "lo")}) as at:
        asking = asyncio.create_task(at.ask())
        await at.upstream.sim.called("w/w")
        draining = asyncio.create_task(at.server.service.admission.drain(5))
        await asyncio.sleep(0)
        async with at.session.get(at.url("/readyz")) as response:
            assert response.status == 503
        status, body = await at.ask()
        assert (status, body["error"]["code"]) == (503, "draining")
        gate.set()
        assert (await asking)[1]["choices"][0]["message"]["content"] == "Hello"
        assert await draining == 0


async def test_live_streams_end_with_an_error() -> None:
    async with stand({"w/w": ("Hel", asyncio.Event())}) as at:
        async with at.post(stream=True) as response:
            while b"Hel" not in await response.content.readline():
                pass
            assert await at.server.service.admission.drain(0.01) == 1
            events = events_of(await read_stream(response))
        assert events[-1]["error"]["code"] == "draining"
        assert "[DONE]" not in events
        await at.settled()


async def test_waiting_clients_get_a_503() -> None:
    async with stand({"w/w": (asyncio.Event(),)}) as at:
        asking = asyncio.create_task(at.ask())
        await at.upstream.sim.called("w/w")
        assert await at.server.service.admission.drain(0.01) == 1
        status, body = await asking
    assert (status, body["error"]["code"]) == (503, "draining")
