"""Connections: one request after the other, whatever comes between them."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from fusion_graph.server._answer import Answer
from fusion_graph.server._listener import Listener
from fusion_graph.server._replay import Recall
from tests.server.stand import ONE, Stand, stand

LIVE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
BODY = json.dumps({"model": "one", "messages": [{"role": "user", "content": "Why?"}]}).encode()
ASK = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
WHOLE = ASK + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


async def statuses(at: Stand, *parts: bytes) -> list[int]:
    """Of all answers until the server ends the connection. Each part is written when what came before was answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", at.server.port)
    answered = b""
    async with asyncio.timeout(10):
        for part in parts[:-1]:
            writer.write(part)
            head = await reader.readuntil(b"\r\n\r\n")
            answered += head
            await reader.readexactly(int(re.findall(rb"Content-Length: (\d+)", head)[0]))
        writer.write(parts[-1])
        answered += await reader.read()
    writer.close()
    return [int(status) for status in re.findall(rb"HTTP/1\.\d (\d+) ", answered)]


@pytest.mark.parametrize("count", [1, 3, 40])
async def test_pipelined_requests_are_answered_in_order(count: int) -> None:
    async with stand(None, ONE) as at:
        assert await statuses(at, LIVE * count + WHOLE + LAST) == [200] * (count + 2)
        routes = [line["route"] for line in at.log]
    assert routes == ["/v1/chat/completions"]  # probes are not in the log


async def test_connection_serves_many_requests() -> None:
    async with stand(None, ONE) as at:
        assert await statuses(at, WHOLE, LIVE, WHOLE, LAST) == [200] * 4
        assert len(at.upstream.received) == 2


async def test_bodies_that_come_late_leave_room_for_what_is_pipelined() -> None:
    late = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n"
    async with stand() as at:
        found = await statuses(at, late, b"abc" + LIVE, *(late, b"abc" + LIVE) * 3, LIVE * 40 + LAST)
    assert found == [404, 200] * 4 + [200] * 41


async def test_junk_ends_the_connection() -> None:
    async with stand() as at:
        assert await statuses(at, LIVE, b"junk\r\n\r\n") == [200, 400]


@pytest.mark.parametrize("path", [b"/nowhere", b"/livez"])
async def test_body_that_nobody_wants_is_read_off(path: bytes) -> None:
    async with stand() as at:
        unwanted = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" % path
        found = await statuses(at, unwanted, b"x" * 100_000 + LAST)
    assert found == [404 if path == b"/nowhere" else 405, 200]


async def test_body_that_nobody_wants_may_be_broken() -> None:
    async with stand() as at:
        unwanted = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert await statuses(at, unwanted, b"no size\r\n") == [404]


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
async def test_offer_of_another_protocol_is_declined(protocol: bytes) -> None:
    # RFC 9110 7.8: a server may go on as if nothing had been said; some clients offer HTTP/2 with every connection
    offer = LIVE[:-2] + b"Connection: Upgrade\r\nUpgrade: %b\r\n\r\n" % protocol
    async with stand() as at:
        assert await statuses(at, offer, offer, LIVE + LAST) == [200] * 4


async def test_offer_whose_body_comes_late_is_declined() -> None:
    head = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
    offer = head + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with stand() as at:
        assert await statuses(at, offer, b"abc" + LIVE, LAST) == [404, 200, 200]


async def test_requests_behind_an_offer_are_read() -> None:
    offer = LIVE[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with stand() as at:
        assert await statuses(at, offer + LIVE * 40 + LAST) == [200] * 42


async def test_head_gets_the_head() -> None:
    async with stand() as at:
        assert await statuses(at, LIVE.replace(b"GET", b"HEAD") + LAST) == [200, 200]


@pytest.mark.parametrize("stream", [False, True])
async def test_resting_connection_keeps_nothing_of_its_run(*, stream: bool) -> None:
    async with stand(None, ONE) as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.server.port)
        body = BODY.replace(b"{", b'{"stream": true, ', 1) if stream else BODY
        writer.write(ASK + b"Content-Length: %d\r\n\r\n%b" % (len(body), body) + LIVE)
        async with asyncio.timeout(10):
            await reader.readuntil(b"usage")
            await reader.readuntil(b'"ok"')
        gc.collect()
        left = [one for one in gc.get_objects() if isinstance(one, Recall)]
        assert [one for one in left if one.finished or one.overhear] == []
        writer.close()


# --- clients that do not read -----------------------------------------------------------------------------------------


@asynccontextmanager
async def narrow(body: bytes) -> AsyncIterator[tuple[Listener, socket.socket]]:
    """A server that says this to everybody, and a client that has asked, with little room between them."""

    async def handle(_request: object) -> Answer:
        return Answer(body)

    dispatcher: Any = handle
    listener = Listener(dispatcher, most=9, write_s=0.1, keepalive_timeout=0.1)
    runner = web.ServerRunner(listener)
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as place, socket.socket() as client:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await web.SockSite(runner, place).start()
        client.connect(place.getsockname())
        client.sendall(LIVE)
        yield listener, client
        await runner.cleanup()


async def ended(listener: Listener) -> None:
    async with asyncio.timeout(5):
        while listener.connections:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)


async def test_client_that_leaves_little_unread_keeps_no_connection() -> None:
    """So little that nobody waited for it: the connection rests, then it is closed."""
    async with narrow(b"x" * 60_000) as (listener, _client):
        while not listener.connections:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.001)
        await ended(listener)


async def test_client_that_reads_some_of_what_is_left_keeps_no_connection() -> None:
    async with narrow(b"x" * 100_000) as (listener, client):
        while not (listener.connections and listener.connections[0].writing_paused):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)
        connection = listener.connections[0]
        connection.force_close()
        client.setblocking(False)
        while connection.writing_paused:
            await asyncio.get_running_loop().sock_recv(client, 1024)
        assert listener.connections
        await ended(listener)
