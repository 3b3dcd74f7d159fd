"""GET /readyz."""

from __future__ import annotations

from tests.server.stand import stand


async def test_ready_until_it_drains() -> None:
    async with stand() as at:
        async with at.session.get(at.url("/readyz")) as response:
            assert response.status == 200
        await at.server.service.admission.drain(0)
        async with at.session.get(at.url("/readyz")) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "5")
