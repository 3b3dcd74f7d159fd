"""Models as the clients of Messages list them."""

from __future__ import annotations

from fusion_graph.server._cards_anthropic import card, cards
from tests.server.stand import stand

OURS = {"id": "fusion", "name": "Fusion", "created": 0, "context_length": 9}


def test_card_says_what_is_known() -> None:
    assert card(OURS) == {
        "type": "model",
        "id": "fusion",
        "display_name": "Fusion",
        "created_at": "1970-01-01T00:00:00Z",
        "max_input_tokens": 9,
    }


def test_an_empty_list_has_no_ends() -> None:
    assert cards([]) == {"data": [], "has_more": False, "first_id": None, "last_id": None}


async def test_the_header_decides() -> None:
    headers = {"anthropic-version": "2023-06-01"}
    async with stand() as at:
        async with at.session.get(at.url("/v1/models"), headers=headers) as response:
            found = await response.json()
        async with at.session.get(at.url("/v1/models/a/x"), headers=headers) as response:
            one = await response.json()
        async with at.session.get(at.url("/v1/models/none"), headers=headers) as response:
            missing = await response.json()
    assert found["first_id"] == "fusion"
    assert {entry["type"] for entry in found["data"]} == {"model"}
    assert (one["type"], one["id"]) == ("model", "a/x")
    assert missing["error"]["type"] == "not_found_error"
