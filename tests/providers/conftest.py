"""A simulated upstream on a socket, and a client at it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fusion_graph.contracts import Backend
from fusion_graph.providers._openai import client as module
from fusion_graph.providers._openai.client import OpenAIClient
from fusion_graph.providers._sim.server import SimServer, start
from tests.providers.rawserver import KEY


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """No long wait for what an upstream never sends."""
    monkeypatch.setattr(module, "_AFTER_FINISH_S", 0.1)
    monkeypatch.setattr(module, "_AFTER_DONE_S", 0.1)


@pytest.fixture
async def upstream() -> AsyncIterator[SimServer]:
    server = await start()
    yield server
    await server.aclose()


@pytest.fixture
async def client(upstream: SimServer) -> AsyncIterator[OpenAIClient]:
    opened = OpenAIClient(Backend(name="test", base_url=upstream.url, api_key=KEY))
    yield opened
    await opened.aclose()
