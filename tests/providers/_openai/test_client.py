"""The HTTP client against a real upstream on a loopback socket: every fault of the table, pooling, cancelling."""

from __future__ import annotations

import asyncio
import gc
import itertools
import socket

import pytest

from fusion_graph.contracts import Backend
from fusion_graph.errors import ProviderError
from fusion_graph.messages import Delta, Usage
from fusion_graph.providers._openai.client import OpenAIClient
from fusion_graph.providers._sim.faults import FAULTS
from fusion_graph.providers._sim.raw import chunk, says, sse, whole
from fusion_graph.providers._sim.server import SimOptions, SimServer, start
from tests.providers.rawserver import KEY, TIMEOUTS, asking, faulty, http, ignore, raw_server, reset

# --- replies ----------------------------------------------------------------------------------------------------------


async def test_reply_streams_and_comes_whole(upstream: SimServer, client: OpenAIClient) -> None:
    upstream.sim.script["a/x"] = ("The ", "answer ", "is 42.")
    pieces: list[Delta] = []
    reply = await client.complete(asking(), pieces.append)
    assert "".join(piece.text for piece in pieces) == reply.text == "The answer is 42."
    assert (reply.model, reply.simulated, reply.finish_reason) == ("a/x", True, "stop")
    assert reply.usage == Usage(prompt_tokens=5, completion_tokens=5)


async def test_tokens_arrive_as_they_are_written(upstream: SimServer, client: OpenAIClient) -> None:
    gate, seen = asyncio.Event(), asyncio.Event()
    upstream.sim.script["a/x"] = ("first", gate, " second")
    async with asyncio.TaskGroup() as group:
        reply = group.create_task(client.complete(asking(), lambda _delta: seen.set()))
        await seen.wait()
        assert not reply.done()
        gate.set()
    assert reply.result().text == "first second"


async def test_upstream_cost_is_reported() -> None:
    server = await start(options=SimOptions(usd_per_mtok=1000.0))
    client = OpenAIClient(Backend(name="test", base_url=server.url))
    reply = await client.complete(asking(), ignore)
    assert reply.usage is not None
    assert reply.usage.cost_usd == pytest.approx(reply.usage.total_tokens / 1000)
    await client.aclose()
    await server.aclose()


async def test_backend_that_cannot_stream() -> None:
    server = await start(script={"a/x": "Whole."})
    client = OpenAIClient(Backend(name="test", base_url=server.url + "/", options={"stream": False}))
    pieces: list[Delta] = []
    reply = await client.complete(asking(), pieces.append)
    assert pieces == [Delta("Whole.")]
    assert reply.text == "Whole."
    assert "stream" not in server.received[0].body
    await client.aclose()
    await server.aclose()


async def test_stream_that_was_not_asked_for_is_read(upstream: SimServer) -> None:
    client = OpenAIClient(Backend(name="test", base_url=upstream.url, options={"stream": False}))
    assert (await client.complete(faulty("crlf"), ignore)).text == "The quick brown fox."
    await client.aclose()


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.reason and name not in TIMEOUTS])
async def test_fault_has_its_typed_error(name: str, upstream: SimServer, client: OpenAIClient) -> None:
    with pytest.raises(ProviderError) as caught:
        await client.complete(faulty(name), ignore)
    assert (caught.value.reason, caught.value.transient) == (FAULTS[name].reason, FAULTS[name].transient)
    assert caught.value.sent
    assert upstream.trapped == 0


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if not fault.reason])
async def test_legal_oddity_is_accepted(name: str, client: OpenAIClient) -> None:
    reply = await client.complete(faulty(name), ignore)
    assert reply.text.strip() or reply.tool_calls or reply.refusal or reply.finish_reason == "content_filter"
    assert reply.simulated


@pytest.mark.parametrize("name", sorted(TIMEOUTS))
async def test_stall_is_the_engines_to_end(name: str, upstream: SimServer, client: OpenAIClient) -> None:
    """The client has no timers of its own for it, and ends at once when it is cancelled."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.15):
            await client.complete(faulty(name), ignore)
    assert len(upstream.received) == 1


@pytest.mark.parametrize("name", ["heartbeat", "stall-headers"])
async def test_heartbeats_are_no_deltas(name: str, client: OpenAIClient) -> None:
    pieces: list[Delta] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.15):
            await client.complete(faulty(name), pieces.append)
    assert pieces == []


async def test_retry_after_reaches_the_error(client: OpenAIClient) -> None:
    with pytest.raises(ProviderError) as caught:
        await client.complete(faulty("429-wait"), ignore)
    assert caught.value.retry_after_s == 1.0


async def test_text_before_the_cut_was_shown(client: OpenAIClient) -> None:
    pieces: list[Delta] = []
    with pytest.raises(ProviderError):
        await client.complete(faulty("cut"), pieces.append)
    assert pieces == [Delta("The quick ")]


async def test_runaway_is_kept_and_marked(client: OpenAIClient) -> None:
    reply = await client.complete(faulty("runaway"), ignore)
    assert reply.finish_reason == "length"
    assert "output_limit" in reply.notes


async def test_refused_connection_was_not_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    await assert_unreachable(f"http://127.0.0.1:{port}/v1", transient=True)


async def test_unknown_host_was_not_sent() -> None:
    await assert_unreachable("http://no-such-host.invalid/v1", transient=True)


async def test_broken_tls_is_permanent(upstream: SimServer) -> None:
    await assert_unreachable(upstream.url.replace("http://", "https://"), transient=False)


async def assert_unreachable(url: str, *, transient: bool) -> None:
    client = OpenAIClient(Backend(name="test", base_url=url, api_key=KEY))
    with pytest.raises(ProviderError) as caught:
        await client.complete(asking(), ignore)
    assert (caught.value.reason, caught.value.transient, caught.value.sent) == ("connect_error", transient, False)
    await client.aclose()


# --- connections ------------------------------------------------------------------------------------------------------


async def test_steady_state_opens_no_connection(upstream: SimServer, client: OpenAIClient) -> None:
    for _ in range(20):
        await client.complete(asking(), ignore)
    assert upstream.connections == 1


async def test_parallel_calls_are_not_capped(upstream: SimServer, client: OpenAIClient) -> None:
    gate = asyncio.Event()
    upstream.sim.script["a/x"] = (gate, "ok")
    async with asyncio.TaskGroup() as group:
        for _ in range(150):
            group.create_task(client.complete(asking(), ignore))
        await upstream.sim.called("a/x", 150)
        gate.set()
    assert upstream.connections == 150


async def test_cancel_closes_the_connection_at_once(upstream: SimServer, client: OpenAIClient) -> None:
    upstream.sim.script["a/x"] = ("one", asyncio.Event())
    seen = asyncio.Event()
    call = asyncio.create_task(client.complete(asking(), lambda _delta: seen.set()))
    await seen.wait()
    call.cancel()
    async with asyncio.timeout(1):
        await upstream.sim.until(lambda sim: bool(sim.cancelled))
    assert call.cancelled() or call.cancelling()


async def test_connection_with_leftovers_is_not_reused() -> None:
    """The text is whole and the body is not: what is still to come would be taken for the next answer."""
    connections: list[asyncio.StreamWriter] = []

    async def answer_once(writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        said = says("x") + sse(chunk(finish="stop")) + b"data: [DONE]\n\n"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % (len(said) + 1) + said)

    async with raw_server(answer_once) as url:
        client = OpenAIClient(Backend(name="test", base_url=url))
        for _ in range(2):
            assert (await client.complete(asking(), ignore)).text == "x"
        await client.aclose()
    assert len(set(map(id, connections))) == 2


async def test_idle_connection_that_was_closed_is_replaced(upstream: SimServer, client: OpenAIClient) -> None:
    await client.complete(asking(), ignore)
    await upstream.aclose()
    again = await start(port=upstream.port)
    assert (await client.complete(asking(), ignore)).text
    assert len(again.received) == 1
    await again.aclose()


async def test_connection_that_closes_unannounced_is_no_attempt() -> None:
    """As llama.cpp does it: keep-alive in the headers, a close behind the stream, found out by the next request."""
    heads: list[bytes] = []

    async def answer_once(writer: asyncio.StreamWriter) -> None:
        if len(heads) % 2:
            writer.write(http(whole({"content": "x"})))
        else:
            writer.close()

    async with raw_server(answer_once, heads) as url:
        client = OpenAIClient(Backend(name="test", base_url=url))
        for _ in range(3):
            assert (await client.complete(asking(), ignore)).text == "x"
        await client.aclose()
    assert len(heads) == 5


async def test_connection_that_broke_at_work_is_an_attempt() -> None:
    """A reused connection that breaks later than a resting one would: the upstream may have been at work."""
    heads: list[bytes] = []

    async def answer_once(writer: asyncio.StreamWriter) -> None:
        if len(heads) == 1:
            writer.write(http(whole({"content": "x"})))
        else:
            writer.close()

    clock = itertools.count(step=10)
    async with raw_server(answer_once, heads) as url:
        client = OpenAIClient(Backend(name="test", base_url=url), now=lambda: float(next(clock)))
        await client.complete(asking(), ignore)
        with pytest.raises(ProviderError) as caught:
            await client.complete(asking(), ignore)
        await client.aclose()
    assert (caught.value.reason, caught.value.sent, len(heads)) == ("connect_error", True, 2)


async def test_idle_connection_that_was_reset_makes_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    gone = asyncio.Event()

    async def answer_then_reset(writer: asyncio.StreamWriter) -> None:
        writer.write(http(whole({"content": "x"})))
        await writer.drain()
        await gone.wait()
        reset(writer)

    async with raw_server(answer_then_reset) as url:
        client = OpenAIClient(Backend(name="test", base_url=url))
        await client.complete(asking(), ignore)
        gone.set()
        await asyncio.sleep(0.05)
        await client.aclose()
    del client
    gc.collect()
    assert caplog.text == ""
