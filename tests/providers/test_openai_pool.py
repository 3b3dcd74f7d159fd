"""The pool knows which of its connections are not new."""

from __future__ import annotations

import asyncio

import aiohttp

from fusion_graph.providers._openai_pool import Pool, was_reused
from fusion_graph.providers._sim_server import SimServer


async def test_second_request_reuses_the_connection(upstream: SimServer) -> None:
    seen = []
    async with aiohttp.ClientSession(connector=Pool()) as session:
        for _ in range(3):
            async with session.get(upstream.url + "/models") as response:
                await response.read()
            seen.append(was_reused())
    assert seen == [False, True, True]


async def test_each_task_learns_of_its_own(upstream: SimServer) -> None:
    async def ask(session: aiohttp.ClientSession) -> bool:
        async with session.get(upstream.url + "/models") as response:
            await response.read()
        return was_reused()

    async with aiohttp.ClientSession(connector=Pool()) as session:
        await ask(session)
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(ask(session)) for _ in range(3)]
    assert sorted(task.result() for task in asked) == [False, False, True]
