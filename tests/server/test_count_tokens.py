"""POST /v1/messages/count_tokens: an estimate, and no call."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.stand import stand

BODY: dict[str, Any] = {"model": "fusion", "messages": [{"role": "user", "content": "Why is that so?"}]}
TOOL = {"name": "look_up", "description": "Looks something up.", "input_schema": {"type": "object"}}


@pytest.mark.parametrize("more", [{}, {"system": "Be brief."}, {"tools": [TOOL]}, {"max_tokens": 5}])
async def test_prompt_is_estimated(more: dict[str, Any]) -> None:
    async with stand() as at:
        counts = []
        for body in (BODY, {**BODY, **more}):
            async with at.session.post(at.url("/v1/messages/count_tokens?beta=true"), json=body) as response:
                assert response.status == 200
                assert response.headers["x-fusion-estimate"] == "1"
                counts.append((await response.json())["input_tokens"])
        assert at.upstream.received == []
    assert 0 < counts[0] <= counts[1]
    assert counts[0] < counts[1] or more.keys() <= {"max_tokens"}


@pytest.mark.parametrize(("more", "status"), [({"model": "none"}, 404), ({"messages": []}, 400)])
async def test_what_is_wrong_is_said(more: dict[str, Any], status: int) -> None:
    async with stand() as at:
        body = {**BODY, **more}
        async with at.session.post(at.url("/v1/messages/count_tokens"), json=body) as response:
            assert response.status == status
            assert (await response.json())["type"] == "error"
