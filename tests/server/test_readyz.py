"""GET /readyz."""

from __future__ import annotations

from fusion_graph.server._auth import Key, digest_of
from tests.server.stand import stand


async def test_ready_until_it_drains() -> None:
    async with stand() as at:
        async with at.session.get(at.url("/readyz")) as response:
            assert response.status == 200
        await at.server.service.admission.drain(0)
        async with at.session.get(at.url("/readyz")) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "5")


async def test_backends_are_told_to_those_with_a_key() -> None:
    key = Key(name="k", digest=digest_of("k" * 20))
    async with stand(keys=[key]) as at:
        headers = {"x-api-key": "k" * 20}
        at.upstream.faults["*"].append("401")
        assert (await at.ask(model="one", headers=headers))[0] == 502
        async with at.session.get(at.url("/readyz"), headers=headers) as response:
            assert await response.json() == {"status": "ok", "backends": {"up": "key_refused"}}
        async with at.session.get(at.url("/readyz")) as response:
            assert await response.json() == {"status": "ok"}
