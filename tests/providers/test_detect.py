"""Local servers are found by what they say, quickly, and never mistaken for one another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fusion_graph.providers._detect import CANDIDATES, LocalServer, find_local_servers, list_models

ANSWERS: dict[str, Any] = {
    "ollama": {"version": "0.12.3"},
    "lmstudio": {"object": "list", "data": [{"id": "qwen3-8b"}]},
    "llama-server": {"default_generation_settings": {}, "model_path": "x.gguf"},
    "vllm": {"object": "list", "data": [{"id": "m", "owned_by": "vllm"}]},
}


@asynccontextmanager
async def answering(answer: bytes | None) -> AsyncIterator[int]:
    """A server that says the same to everybody; None: nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()


def ok(body: Any) -> bytes:
    return b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + json.dumps(body).encode()


async def found_at(port: int) -> set[str]:
    """Which of the candidates would be found if all listened there."""
    servers = await find_local_servers([c._replace(port=port) for c in CANDIDATES], ask_s=2.0)
    assert all(server.base_url == f"http://127.0.0.1:{port}/v1" for server in servers)
    return {server.name for server in servers}


@pytest.mark.parametrize("name", ANSWERS)
async def test_server_is_known_by_its_answer(name: str) -> None:
    also = {"lmstudio"} if name == "vllm" else set()  # the real vllm answers 404 where lmstudio is looked for
    async with answering(ok(ANSWERS[name])) as port:
        assert await found_at(port) == {name, *also}


@pytest.mark.parametrize(
    "answer",
    [
        ok({"error": "Unexpected endpoint"}),
        ok([]),
        ok({"version": 3}),
        b"HTTP/1.0 404 Not Found\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\n\r\n<html>",
        b"220 mail ready\r\n",
        b"",
    ],
)
async def test_other_servers_are_not_taken(answer: bytes) -> None:
    async with answering(answer) as port:
        assert await found_at(port) == set()


async def test_silent_server_costs_the_wait_once() -> None:
    async with answering(None) as port:
        started = asyncio.get_running_loop().time()
        assert await find_local_servers([c._replace(port=port) for c in CANDIDATES], ask_s=0.05) == ()
        assert asyncio.get_running_loop().time() - started < 1.0


async def test_own_port_is_never_asked() -> None:
    async with answering(ok(ANSWERS["ollama"])) as port:
        assert await find_local_servers([CANDIDATES[0]._replace(port=port)], not_ports={port}) == ()


async def test_models_are_listed_but_for_embedders() -> None:
    async with answering(ok({"data": [{"id": "qwen3:8b"}, {"id": "nomic-embed-text"}]})) as port:
        assert await list_models(LocalServer("ollama", f"http://127.0.0.1:{port}/v1")) == ("qwen3:8b",)


@pytest.mark.parametrize("answer", [ok({"data": None}), ok([]), b"HTTP/1.0 500 No\r\n\r\n"])
async def test_no_list_is_no_models(answer: bytes) -> None:
    async with answering(answer) as port:
        assert await list_models(LocalServer("ollama", f"http://127.0.0.1:{port}/v1")) == ()
