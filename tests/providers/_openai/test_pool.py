"""Connections are used again, and what goes over them is one request, whole."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.providers._openai.line import Answer
from fusion_graph.providers._openai.pool import Pool
from fusion_graph.providers._sim.raw import whole
from fusion_graph.providers._sim.server import SimServer
from tests.providers.rawserver import http, raw_server

BODY = b'{"model": "a/x", "messages": [{"role": "user", "content": "Why?"}]}'


def pool_of(url: str, **headers: str) -> Pool:
    return Pool(f"{url}/chat/completions", {"Content-Type": "application/json", **headers})


async def ask(pool: Pool, body: bytes = BODY) -> Answer:
    """An answer that was read to its end."""
    answer = await pool.post(body)
    await answer.body.read()
    pool.end(answer)
    return answer


async def test_calls_in_turn_share_a_connection() -> None:
    heads: list[bytes] = []

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(http(whole({"content": "x"})))

    async with raw_server(answer, heads) as url:
        pool = pool_of(url, **{"X-Of": "mine"})
        assert [(await ask(pool)).status for _ in range(2)] == [200, 200]
        await pool.aclose()
    lines = heads[0].split(b"\r\n")
    assert lines[0].startswith(b"POST /")
    assert {b"X-Of: mine", b"Content-Length: %d" % len(BODY)} <= set(lines)
    assert sum(line.lower().startswith((b"host:", b"content-length:")) for line in lines) == 2


async def test_unread_answer_ends_its_connection(upstream: SimServer) -> None:
    pool = pool_of(upstream.url)
    upstream.sim.script["a/x"] = ("first", asyncio.Event())
    answer = await pool.post(b'{"model": "a/x", "stream": true, "messages": [{"role": "user", "content": "Why?"}]}')
    await answer.body.readany()
    pool.end(answer)
    upstream.sim.script.clear()
    assert (await ask(pool)).status == 200
    await pool.aclose()


async def test_interim_answers_are_passed_over() -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" + http(whole({"content": "x"})))

    async with raw_server(answer) as url:
        pool = pool_of(url)
        assert (await ask(pool)).status == 200
        await pool.aclose()


async def test_what_comes_unasked_is_no_answer() -> None:
    """An upstream, or somebody before it, that sends one more than was asked for: the next call must not read it."""
    heads: list[bytes] = []
    late = asyncio.Event()
    sent = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(http(whole({"content": f"answer {len(heads)}"})))
        if len(heads) == 1:
            await late.wait()
            writer.write(http(whole({"content": "nobody asked for this"})))
            await writer.drain()
            sent.set()

    async with raw_server(answer, heads) as url:
        pool = pool_of(url)
        await ask(pool)
        (resting,) = pool._resting
        late.set()
        await sent.wait()
        async with asyncio.timeout(5):
            while resting.clean:  # noqa: ASYNC110 (no event)
                await asyncio.sleep(0)
        second = await pool.post(BODY)
        assert b"answer 2" in await second.body.read()
        pool.end(second)
        await pool.aclose()
    assert len(heads) == 2


async def test_early_answer_to_a_large_body_keeps_no_connection() -> None:
    """What is left of the request must not be taken for the next one."""
    heads: list[bytes] = []
    over = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(http(b"{}", status=b"413 Too large"))
        await over.wait()
        writer.transport.abort()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        pool = pool_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        for _ in range(2):
            assert (await ask(pool, b" " * (16 << 20))).status == 413
        await pool.aclose()
        over.set()
    assert [head.startswith(b"POST ") for head in heads] == [True, True]


@pytest.mark.parametrize("key", ["a\r\nHost: b", "a\nb", "a\0b"])
async def test_header_that_breaks_the_line_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match="no header may hold"):
        pool_of("http://127.0.0.1:1/v1", Authorization=f"Bearer {key}")
