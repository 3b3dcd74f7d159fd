"""A whole answer is, byte for byte, what aiohttp's own response would be."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from fusion_graph.server._whole import Whole

HEADERS = {"Content-Type": "application/json; charset=utf-8", "x-request-id": "req_1", "Server": "fusion"}


async def said(answer: Callable[[], web.StreamResponse], request: str) -> tuple[bytes, bool]:
    """What a client reads, and whether the connection stays open. The time of day is left out."""

    async def handle(_request: web.BaseRequest) -> web.StreamResponse:
        return answer()

    stays = False
    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(int(re.findall(rb"Content-Length: (\d+)", head)[0]))
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
async def test_answer_is_that_of_aiohttp(version: str, connection: str) -> None:
    request = f"POST / HTTP/{version}\r\nHost: localhost\r\n{connection}Content-Length: 0\r\n\r\n"
    body = b'{"answer": "because"}'
    lines = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    ours = await said(lambda: Whole(body, lines), request)
    assert ours == await said(lambda: web.Response(body=body, headers=HEADERS), request)
    assert b"Date: now" in ours[0]


async def test_client_that_is_gone_gets_nothing() -> None:
    request = make_mocked_request("POST", "/")
    request.transport.is_closing.return_value = True  # type: ignore[union-attr]
    with pytest.raises(ConnectionResetError):
        await Whole(b"{}", "").prepare(request)
    request.transport.write.assert_not_called()  # type: ignore[union-attr]
