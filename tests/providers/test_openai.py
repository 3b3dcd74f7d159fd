"""Which addresses the provider takes."""

from __future__ import annotations

import pytest

from fusion_graph.contracts import Backend
from fusion_graph.errors import UsageError
from fusion_graph.providers.openai import PROVIDER


@pytest.mark.parametrize(
    "url", ["", "openrouter.ai/api", "ftp://x/v1", "http://", "file:///etc/passwd", "http://x:99999/"]
)
def test_other_than_http_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="not an http"):
        PROVIDER.open(Backend(name="mine", base_url=url))


@pytest.mark.parametrize(
    "url", ["https://user:canary-key@x/v1", "https://x/v1?key=canary-key", "https://x/v1#canary-key"]
)
def test_key_in_the_address_is_refused_unshown(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        PROVIDER.open(Backend(name="mine", base_url=url))
    assert "canary" not in repr(caught.value) + caught.value.hint


async def test_open_client_closes_unused() -> None:
    await PROVIDER.open(Backend(name="mine", base_url="https://openrouter.ai/api/v1")).aclose()
