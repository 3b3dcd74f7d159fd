"""One entry of the list of models."""

from __future__ import annotations

import pytest
from yarl import URL

from tests.server.stand import stand


@pytest.mark.parametrize("path", ["/v1/models/a/x", "/v1/models/a%2Fx", "/models/a/x"])
async def test_slashes_may_be_encoded(path: str) -> None:
    async with stand() as at, at.session.get(URL(at.url(path), encoded=True)) as response:
        assert (await response.json())["id"] == "a/x"


@pytest.mark.parametrize(
    "path", ["/v1/models/..%2f..%2fetc%2fpasswd", "/v1/models/%00", "/v1/models/none", "/v1/models/%ff"]
)
async def test_anything_else_is_404(path: str) -> None:
    async with stand() as at, at.session.get(URL(at.url(path), encoded=True)) as response:
        assert response.status == 404
        assert (await response.json())["error"]["code"] == "model_not_found"
