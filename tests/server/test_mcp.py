"""Pipelines as MCP tools, met by the SDK's own client: `_mcp` carries the protocol, `_mcp_desk` answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fusion_graph.contracts import Backend, Provider
from fusion_graph.engine.fusion import Fusion
from fusion_graph.errors import UsageError
from fusion_graph.providers.sim import Script, SimClient
from fusion_graph.server._auth import Keys, keys_of
from fusion_graph.server._pipelines import Library, Source, Surroundings
from tests.server.stand import ONE, PANEL, PRICES, SCRIPT

pytest.importorskip("mcp")

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from fusion_graph.server._mcp import serve_http
from fusion_graph.server._mcp_desk import Desk

RAW = "k" * 20


def desk_of(sim: SimClient, *files: str, around: Surroundings | None = None, **more: Any) -> Desk:
    provider = Provider(name="sim", summary="", open=lambda _backend: sim)
    fusion = Fusion(
        providers={"sim": provider},
        backends={"sim": Backend(name="sim", provider="sim")},
        default_backend="sim",
        prices=PRICES,
    )
    sources = [Source(f"{n}.yaml", text.encode) for n, text in enumerate(files or (PANEL, ONE))]
    shelf, _ = Library(lambda: sources, around or Surroundings(), panel=False).load({}, ())
    return Desk(shelf, fusion, **more)


@asynccontextmanager
async def serving(desk: Desk, keys: Keys = Keys()) -> AsyncIterator[str]:  # noqa: B008 - immutable
    """Its address, while it serves on a real socket."""
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve_http(desk, host="127.0.0.1", port=0, keys=keys, ready=address.set_result))
    try:
        yield await address
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@asynccontextmanager
async def meeting(
    script: Script | None = None, mode: str = "auto", **more: Any
) -> AsyncIterator[tuple[Client, SimClient]]:
    sim = SimClient(script or SCRIPT)
    async with serving(desk_of(sim, **more)) as url, Client(url, mode=mode) as client:
        yield client, sim


async def test_every_pipeline_is_a_tool_and_the_council_takes_any() -> None:
    async with meeting() as (client, _):
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools) == ["council", "fusion", "one"]
    assert tools["fusion"].description == "Two drafts, a judge, a writer."
    assert tools["fusion"].input_schema["properties"]["params"]["properties"]["samples"]["maximum"] == 9
    assert tools["council"].input_schema["properties"]["pipeline"]["enum"] == ["fusion", "one"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_answer_with_its_cost_and_progress(mode: str) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with meeting(mode=mode) as (client, _):
        result = await client.call_tool("council", {"prompt": "Why?"}, progress_callback=hear)
        again = await client.call_tool("fusion", {"prompt": "Why?", "params": {"samples": 2}})
    assert result.content[0].text == "The written answer."  # type: ignore[union-attr]
    assert result.structured_content["cost_usd"] > 0
    assert (result.structured_content["state"], result.structured_content["degraded"]) == ("ok", [])
    assert again.structured_content["total_tokens"] > result.structured_content["total_tokens"]
    assert any("a/x" in (line or "") for _, _, line in told)
    assert [done for done, _, _ in told] == sorted({done for done, _, _ in told})
    assert told[-1][1] == 6.0


async def test_what_degraded_is_told_and_a_failed_run_is_an_error() -> None:
    from fusion_graph.errors import Permanent

    async with meeting({**SCRIPT, "a/x": Permanent("auth_failed")}) as (client, _):
        result = await client.call_tool("fusion", {"prompt": "Why?"})
    assert result.structured_content["degraded"][0]["reason"] == "auth_failed"
    async with meeting({"*": Permanent("auth_failed")}) as (client, _):
        result = await client.call_tool("one", {"prompt": "Why?"})
    assert (result.is_error, result.structured_content["state"]) == (True, "failed")


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("nope", {}, "there is no tool nope"),
        ("one", {}, "'prompt' is a required property"),
        ("one", {"prompt": ""}, "prompt"),
        ("fusion", {"prompt": "x", "params": {"samples": 99}}, "maximum"),
        ("council", {"prompt": "x", "pipeline": "other"}, "pipeline"),
        ("council", {"prompt": "x", "params": {"nope": 1}}, "no parameter 'nope'"),
        ("fusion", {"prompt": "x", "params": {"judge": "evil/model"}}, "is not allowed here"),
    ],
)
async def test_what_does_not_fit_is_told_to_the_model(tool: str, arguments: dict[str, Any], told: str) -> None:
    async with meeting() as (client, sim):
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert told in result.content[0].text  # type: ignore[union-attr]
    assert sim.received == []


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_request_that_is_cancelled_cancels_its_run(mode: str) -> None:
    async with meeting({"w/w": (asyncio.Event(), "never")}, mode=mode) as (client, sim):
        asking = asyncio.create_task(client.call_tool("one", {"prompt": "Why?"}))
        await sim.called("w/w")
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(5):
            while sim.running:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)
        assert len(sim.cancelled) == 1


async def test_runs_at_once_are_bounded() -> None:
    gate = asyncio.Event()
    async with meeting({"w/w": (gate, "done")}, max_runs=1) as (client, sim):
        asking = asyncio.create_task(client.call_tool("one", {"prompt": "Why?"}))
        await sim.called("w/w")
        refused = await client.call_tool("one", {"prompt": "Why?"})
        gate.set()
        assert (await asking).structured_content["answer"] == "done"
    assert "1 runs are under way" in refused.content[0].text  # type: ignore[union-attr]


async def test_with_keys_a_key_is_needed() -> None:
    async with serving(desk_of(SimClient(SCRIPT)), Keys(keys_of(RAW))) as url:
        async with httpx2.AsyncClient() as bare:
            assert (await bare.post(url, json={})).status_code == 401
            assert (await bare.post(url, json={}, headers={"Authorization": "Bearer wrong"})).status_code == 401
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {RAW}"}, timeout=20) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            assert not (await client.call_tool("one", {"prompt": "Why?"})).is_error


async def test_pages_of_other_sites_do_not_get_in() -> None:
    async with serving(desk_of(SimClient(SCRIPT))) as url, httpx2.AsyncClient() as bare:
        evil = await bare.post(url, json={}, headers={"Origin": "http://evil.test", "Accept": "application/json"})
        rebound = await bare.post(url, json={}, headers={"Host": "evil.test", "Accept": "application/json"})
    assert (evil.status_code, rebound.status_code) == (403, 421)


async def test_strangers_need_keys() -> None:
    with pytest.raises(UsageError, match="no key is set"):
        await serve_http(desk_of(SimClient(SCRIPT)), host="0.0.0.0", port=0, keys=Keys(), ready=print)  # noqa: S104


async def test_a_pipeline_that_cannot_run_says_why_and_council_is_taken() -> None:
    around = Surroundings(missing=lambda _bound: "it needs a key")
    async with meeting(around=around) as (client, _):
        result = await client.call_tool("one", {"prompt": "Why?"})
    assert "it needs a key" in result.content[0].text  # type: ignore[union-attr]
    with pytest.raises(UsageError, match="called council"):
        desk_of(SimClient(SCRIPT), ONE.replace("name: one", "name: council"))
