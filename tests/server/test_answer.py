"""A whole answer is, byte for byte, what aiohttp's own response would be."""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any

import pytest
from aiohttp import web

from fusion_graph.server._answer import Answer
from fusion_graph.server._listener import Listener
from fusion_graph.server._request import Request

HEADERS = {"Content-Type": "application/json; charset=utf-8", "x-request-id": "req_1", "Server": "fusion"}
LINES = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
BODY = b'{"answer": "because"}'


def ours(answer: Answer) -> web.Server:
    """Whose handler gives this answer to everybody."""

    async def handle(_request: object) -> Answer:
        return answer

    dispatcher: Any = handle
    return Listener(dispatcher, most=100, write_s=30)


def theirs(body: bytes, headers: dict[str, str], status: int) -> web.Server:
    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=body, headers=headers, status=status)

    return web.Server(handle)


async def said(server: web.Server, request: str) -> tuple[bytes, bool]:
    """What a client reads, and whether the connection stays open. The time of day is left out."""
    stays = False
    runner = web.ServerRunner(server)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        sizes = [] if request.startswith("HEAD") else re.findall(rb"Content-Length: (\d+)", head)
        body = await reader.readexactly(int(sizes[0])) if sizes else b""
        with contextlib.suppress(ConnectionError):
            writer.write(request.encode())
            stays = await reader.read(1) != b""
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    finally:
        await runner.cleanup()
    return re.sub(rb"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", b"Date: now", head) + body, stays


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("connection", ["", "Connection: close\r\n", "Connection: keep-alive\r\n"])
@pytest.mark.parametrize(("method", "status"), [("POST", 200), ("POST", 404), ("POST", 529), ("HEAD", 200)])
async def test_answer_is_that_of_aiohttp(version: str, connection: str, method: str, status: int) -> None:
    request = f"{method} / HTTP/{version}\r\nHost: localhost\r\n{connection}Content-Length: 0\r\n\r\n"
    found = await said(ours(Answer(BODY, LINES, status)), request)
    assert found == await said(theirs(BODY, HEADERS, status), request)
    assert b"Date: now" in found[0]


async def test_error_within_an_answer_cuts_it() -> None:
    # wire 1.6: a bug that shows when the head has left is no second answer inside the first
    async def begin_and_break(request: Request) -> Answer:
        request.send(Answer(None, LINES + "Content-Length: 100\r\n").head(request) + b"the beginning")
        return Answer(BODY, LINES, 500)

    dispatcher: Any = begin_and_break
    runner = web.ServerRunner(Listener(dispatcher, most=100, write_s=30))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2)
        async with asyncio.timeout(5):
            answered = await reader.read()
        writer.close()
    finally:
        await runner.cleanup()
    assert answered.endswith(b"\r\n\r\nthe beginning")
    assert answered.count(b"HTTP/1.1") == 1


async def test_answer_without_content_has_no_length() -> None:
    request = "OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    found = await said(ours(Answer(b"", "Server: fusion\r\n", 204)), request)
    assert found == await said(theirs(b"", {"Server": "fusion"}, 204), request)
    assert b"Content-Length" not in found[0]
