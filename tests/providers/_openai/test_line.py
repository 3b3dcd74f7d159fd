"""What comes over a connection, however it comes and wherever it breaks, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import zlib
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp.http import HttpResponseParser

from fusion_graph.contracts import Backend
from fusion_graph.errors import ProviderError
from fusion_graph.providers._openai.client import OpenAIClient
from fusion_graph.providers._openai.line import Answer, Line
from fusion_graph.providers._sim.raw import chunk, says, sse
from tests.providers.rawserver import asking, ignore, raw_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
HEAD = STREAM + b"Transfer-Encoding: chunked\r\n\r\n"
SAID = says("hi")
WHOLE = SAID + sse(chunk(finish="stop")) + b"data: [DONE]\n\n"


def piece(data: bytes) -> bytes:
    """A chunk of a body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


GOOD = HEAD + piece(WHOLE) + piece(b"")
PACKED = zlib.compress(WHOLE)

ANSWERS: dict[str, tuple[list[bytes], str]] = {
    "at once": ([GOOD], "hi"),
    "byte by byte": ([GOOD[i : i + 1] for i in range(len(GOOD))], "hi"),
    "after many hints": ([b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50, GOOD], "hi"),
    "without a length": ([STREAM + b"\r\n" + WHOLE, b""], "hi"),
    "packed": ([STREAM + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED], "hi"),
    "with one nobody asked for": ([GOOD + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], "hi"),
    "with the head of one nobody asked for": ([GOOD + GOOD[:20]], "hi"),
    "with a hint nobody asked for": ([GOOD + b"HTTP/1.1 103 Early Hints\r\nLink: x"], "hi"),
    "nothing": ([b""], "connect_error"),
    "half a head": ([b"HTTP/1.1 200 OK\r\nConte", b""], "connect_error"),
    "no HTTP": ([b"SSH-2.0-x\r\n\r\n"], "malformed_stream"),
    "half a body": ([HEAD + piece(SAID), b""], "truncated_stream"),
    "a bad chunk": ([HEAD + piece(SAID) + b"zz\r\nx"], "malformed_stream"),
    "another protocol": (
        [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nx"],
        "bad_request",
    ),
}
"""What is written, piece by piece, and what comes of it: the text, or the reason. An empty piece closes."""


@asynccontextmanager
async def answering(pieces: list[bytes]) -> AsyncIterator[OpenAIClient]:
    async def answer(writer: asyncio.StreamWriter) -> None:
        for written in pieces:
            writer.write(written)
            await writer.drain()
            if not written:
                writer.close()

    async with raw_server(answer) as url:
        client = OpenAIClient(Backend(name="b", provider="openai", base_url=url))
        yield client
        await client.aclose()


async def outcome(client: OpenAIClient) -> str:
    try:
        return (await client.complete(asking(), ignore)).text
    except ProviderError as error:
        error.with_traceback(None)  # as the engine does
        return error.reason


def lying_about() -> int:
    """How many connections, answers and parsers there are, in use or waiting for the collector."""
    return sum(isinstance(thing, Line | Answer | HttpResponseParser) for thing in gc.get_objects())


@pytest.fixture
def no_sweeps() -> Iterator[int]:
    """The collector does not run in this test; what was lying about before it."""
    gc.collect()
    gc.disable()
    yield lying_about()
    gc.enable()


@pytest.mark.parametrize("name", ANSWERS)
async def test_answer_is_read_and_forgotten(name: str, no_sweeps: int) -> None:
    pieces, wanted = ANSWERS[name]
    async with answering(pieces) as client:
        assert [await outcome(client) for _ in range(5)] == [wanted] * 5
        for _ in range(10):  # what was dropped is told so by the loop
            await asyncio.sleep(0)
        assert lying_about() - no_sweeps <= 2  # the one that rests, and its parser


async def test_a_body_that_is_larger_than_the_buffers_comes_whole() -> None:
    """Reading pauses in between, also while a packed body is taken apart."""
    said = says("x" * 60_000)
    body = zlib.compress(said * 20 + WHOLE)
    head = STREAM + b"Content-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with answering([head + body]) as client:
        assert await outcome(client) == "x" * 1_200_000 + "hi"
