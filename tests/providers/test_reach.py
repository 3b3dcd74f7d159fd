"""Asking a backend whether it is there, without paying."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from fusion_graph.contracts import Backend
from fusion_graph.providers._reach import reach

Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def upstream(handler: Handler) -> AsyncIterator[Backend]:
    app = web.Application()
    app.router.add_get("/v1/models", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Backend(name="b", base_url=f"http://127.0.0.1:{runner.addresses[0][1]}/v1", api_key="sk-key")
    finally:
        await runner.cleanup()


async def test_a_list_of_models_is_a_good_sign() -> None:
    async def models(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer sk-key"
        return web.json_response({"data": [{"id": "a/x"}, {"id": "b/y"}]})

    async with upstream(models) as backend:
        found = await reach(backend)
    assert (found.works, found.models) == (True, ("a/x", "b/y"))
    assert found.told.endswith("2 models")


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
        assert await reach(backend, 0.1) == (False, "does not answer within 0.1 s", ())


async def test_nobody_there_is_told_without_an_address() -> None:
    found = await reach(Backend(name="b", base_url="http://127.0.0.1:9/v1", api_key="sk-key"))
    assert found == (False, "the upstream cannot be reached", ())
