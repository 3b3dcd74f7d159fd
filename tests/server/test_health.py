"""GET /health: from `_service`, what it serves."""

from __future__ import annotations

from fusion_graph import __version__
from fusion_graph.server._auth import Key, digest_of
from tests.server.stand import stand

RAW = "k" * 20


async def test_tells_more_with_a_key() -> None:
    async with stand(keys=[Key(name="alice", digest=digest_of(RAW))]) as at:
        async with at.session.get(at.url("/health")) as response:
            assert await response.json() == {"status": "ok"}
        async with at.session.get(at.url("/health"), headers={"x-api-key": RAW}) as response:
            told = await response.json()
        assert at.upstream.received == []
    assert told["version"] == __version__
    assert told["panel_models"] == ["a/x", "b/y"]
    assert told["pipelines"] == ["fusion", "one"]


async def test_head_is_answered() -> None:
    async with stand() as at, at.session.head(at.url("/health")) as response:
        assert response.status == 200
