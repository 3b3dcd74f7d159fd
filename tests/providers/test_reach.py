"""Asking a backend whether it is there, without paying."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from fusion_graph.contracts import Backend
from fusion_graph.providers._reach import reach
from tests.loopback import Handler, served


@asynccontextmanager
async def upstream(handler: Handler) -> AsyncIterator[Backend]:
    async with served({"/v1/models": handler}) as url:
        yield Backend(name="b", base_url=f"{url}/v1", api_key="sk-key")


async def test_a_list_of_models_is_a_good_sign() -> None:
    async def models(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer sk-key"
        return web.json_response({"data": [{"id": "a/x"}, {"id": "b/y"}]})

    async with upstream(models) as backend:
        found = await reach(backend)
    assert (found.works, found.models) == (True, ("a/x", "b/y"))
    assert found.told.endswith("2 models")


async def test_what_models_read_is_heard_in_everybodys_words() -> None:
    entries: list[dict[str, object]] = [
        {"id": "router", "context_length": 200_000, "top_provider": {"context_length": 128_000}},
        {"id": "vllm", "max_model_len": 32_768},
        {"id": "studio", "max_context_length": 8192},
        {"id": "liar", "context_length": -1, "max_model_len": True, "top_provider": "none"},
        {"id": "silent"},
    ]

    async def models(_request: web.Request) -> web.Response:
        return web.json_response({"data": entries})

    async with upstream(models) as backend:
        found = await reach(backend)
    assert found.lengths == {"router": 128_000, "vllm": 32_768, "studio": 8192}


async def test_a_list_that_is_none_is_no_list() -> None:
    for body in ('{"data": ["a"]}', '{"data": 3}', "[" * 100_000, '{"data": [{"name": "x"}]}', "null"):

        async def models(_request: web.Request, body: str = body) -> web.Response:
            return web.Response(text=body)

        async with upstream(models) as backend:
            found = await reach(backend)
        assert (found.works, found.models, found.lengths) == (True, (), {})


@pytest.mark.parametrize(("status", "works"), [(200, True), (404, True), (301, True), (401, False), (403, False)])
async def test_only_a_refused_key_is_bad(status: int, works: bool) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="what?", headers={"Location": "http://127.0.0.1:9/"})

    async with upstream(answer) as backend:
        found = await reach(backend)
    assert found.works is works
    assert str(status) in found.told


async def test_silence_is_told_as_such() -> None:
    async def stall(_request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with upstream(stall) as backend:
        assert await reach(backend, 0.1) == (False, "does not answer within 0.1 s", (), {})


async def test_nobody_there_is_told_without_an_address() -> None:
    found = await reach(Backend(name="b", base_url="http://127.0.0.1:9/v1", api_key="sk-key"))
    assert found == (False, "the upstream cannot be reached", (), {})
