"""Bodies are bounded before they are built (wire contract 5.13 to 5.18)."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
import threading
import tracemalloc
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fusion_graph.server._auth import Key, digest_of
from fusion_graph.server._errors import Refused
from fusion_graph.server._guards import LONG, MANY, parse
from tests.server.stand import ONE, stand

GOOD = {"model": "one", "messages": [{"role": "user", "content": "Why?"}]}


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"\xff",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": "\\ud800"}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100 + b"1" + b"}" * 100,
    ],
)
def test_bad_json_is_the_clients_fault(raw: bytes) -> None:
    with pytest.raises(Refused) as refused:
        parse(raw)
    assert refused.value.http_status == 400


def test_surrogate_pairs_are_fine() -> None:
    assert parse(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@pytest.mark.parametrize("raw", ["null", "7", "true", '"x"', "[]"])
@pytest.mark.parametrize("path", ["chat/completions", "messages", "messages/count_tokens", "responses"])
async def test_a_body_is_an_object(path: str, raw: str) -> None:
    headers = {"Content-Type": "application/json"}
    async with stand() as at, at.session.post(at.url(f"/v1/{path}"), data=raw, headers=headers) as response:
        assert (response.status, "must be a JSON object" in await response.text()) == (400, True)


@pytest.mark.parametrize(
    "media", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ""]
)
async def test_only_json_gets_in(media: str) -> None:
    async with stand() as at:
        headers = {"Content-Type": media} if media else {}
        url = at.url("/v1/chat/completions")
        skip = () if media else ("Content-Type",)
        async with at.session.post(
            url, data=json.dumps(GOOD).encode(), headers=headers, skip_auto_headers=skip
        ) as response:
            assert response.status == 415


async def test_large_body_is_refused_unread() -> None:
    async with stand(max_body_bytes=10_000) as at:
        for data in (b"x" * 20_000, gzip.compress(b" " * 2_000_000)):
            headers = {"Content-Type": "application/json"} | (
                {"Content-Encoding": "gzip"} if data[:1] == b"\x1f" else {}
            )
            async with at.session.post(at.url("/v1/chat/completions"), data=data, headers=headers) as response:
                assert response.status == 413
                assert (await response.json())["error"]["code"] == "body_too_large"


async def test_bomb_is_refused_within_memory() -> None:
    # security 15: 300 MB in a small gzip, at the usual bound
    pack = zlib.compressobj(wbits=31)
    bomb = b"".join(pack.compress(bytes(1 << 20)) for _ in range(300)) + pack.flush()
    async with stand() as at:
        url, headers = at.url("/v1/chat/completions"), {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        tracemalloc.start()
        async with at.session.post(url, data=bomb, headers=headers) as response:
            assert response.status == 413
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 100e6


@pytest.mark.parametrize("part", [b"{},", b"[],", b"1,"])
async def test_structure_is_counted_while_it_comes(part: bytes) -> None:
    # security 16: 32 MiB of small objects
    raw = b"[" + part * (((32 << 20) - 4) // len(part)) + b"{}]"
    async with stand() as at:
        url, headers = at.url("/v1/chat/completions"), {"Content-Type": "application/json"}
        tracemalloc.start()
        async with at.session.post(url, data=io.BytesIO(raw), headers=headers) as response:
            body = await response.json()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (response.status, body["error"]["code"]) == (400, "too_complex")
    assert peak < 100e6


class Held(ThreadPoolExecutor):
    """Begins nothing before the gate is open."""

    def __init__(self) -> None:
        super().__init__(1)
        self.asked, self.gate = asyncio.Event(), threading.Event()

    def submit(self, work: Callable[..., Any], /, *given: Any, **named: Any) -> Any:
        self.asked.set()

        def wait() -> Any:
            self.gate.wait(20)
            return work(*given, **named)

        return super().submit(wait)


@pytest.mark.parametrize("heavy", [[[]] * MANY, "x" * LONG])
async def test_others_are_answered_while_a_heavy_body_is_looked_at(heavy: object) -> None:
    # security 18
    async with stand() as at:
        held = Held()
        asyncio.get_running_loop().set_default_executor(held)
        many = asyncio.create_task(at.ask(metadata={"a": heavy}))
        try:
            await held.asked.wait()
            assert (await at.ask())[0] == 200
            assert not many.done()
        finally:
            held.gate.set()
        assert (await many)[0] == 200


async def test_flood_of_tiny_chunks_ends() -> None:
    # security 15: a body without an end, a byte at a time
    async with stand(body_s=0.2) as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.server.port)
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(5):
                while not reader.at_eof() and not writer.is_closing():
                    writer.write(b"1\r\n \r\n" * 100)
                    await writer.drain()
                    await asyncio.sleep(0)
        writer.close()
        assert at.upstream.received == []


async def test_multipliers_are_refused_at_once() -> None:
    # security 13: n: 10**9 is 400 before anything is made of it, and nothing was called
    async with stand() as at:
        status, body = await at.ask(n=10**9)
    assert (status, body["error"]["param"]) == (400, "n")
    assert at.upstream.received == []


async def test_slow_body_ends() -> None:
    async with stand(body_s=0.05) as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.server.port)
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
    assert b"body_too_slow" in answer


@pytest.mark.parametrize(
    ("key", "told"), [("k" * 20, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), ("", b"HTTP/1.1 401")]
)
async def test_who_asks_before_the_body_is_told(key: str, told: bytes) -> None:
    # RFC 9110 10.1.1: curl waits with a large body; who has no key sends it in vain
    async with stand(None, ONE, keys=[Key(name="alice", digest=digest_of("k" * 20))]) as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.server.port)
        body = json.dumps(GOOD).encode()
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        head += f"Expect: 100-continue\r\nConnection: close\r\nx-api-key: {key}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
        async with asyncio.timeout(5):
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.write(body)
            answer += await reader.read()
        writer.close()
    assert answer.startswith(told)


async def test_half_sent_header_ends() -> None:
    # security 17
    async with stand(header_s=0.05) as at:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.server.port)
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: loc")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
