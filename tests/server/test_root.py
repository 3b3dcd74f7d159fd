"""GET /: for whoever opens the address in a browser."""

from __future__ import annotations

import pytest

from fusion_graph.server._auth import Key, digest_of
from tests.server.stand import stand


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/"])
async def test_says_what_this_is(path: str) -> None:
    async with (
        stand(keys=[Key(name="k", digest=digest_of("k" * 20))]) as at,
        at.session.get(at.url(path)) as response,
    ):
        assert response.status == 200
        assert (await response.json())["name"] == "fusion_graph"
