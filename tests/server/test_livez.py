"""GET /livez."""

from __future__ import annotations

from tests.server.stand import stand


async def test_it_lives() -> None:
    async with stand() as at, at.session.get(at.url("/livez")) as response:
        assert await response.json() == {"status": "ok"}
