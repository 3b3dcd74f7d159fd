"""The list of models. `_cards` makes the entries."""

from __future__ import annotations

from fusion_graph.engine.pricing import Prices
from tests.server.stand import stand


async def test_lists_what_can_be_called() -> None:
    async with stand(aliases={"agent": "one"}) as at:
        async with at.session.get(at.url("/v1/models")) as response:
            cards = {card["id"]: card for card in (await response.json())["data"]}
        for name in cards:
            assert (await at.ask(model=name))[0] == 200
    assert set(cards) == {"fusion", "one", "agent", "a/x", "b/y", "w/w"}
    fusion = cards["fusion"]
    assert fusion["description"] == "Two drafts, a judge, a writer."
    assert fusion["fusion"]["calls"] == {"min": 4, "max": 4}
    assert fusion["fusion"]["price_range_usd"]["max"] > 0
    assert float(fusion["pricing"]["completion"]) == 4e-6
    assert {"tools", "tool_choice", "response_format"} <= set(fusion["supported_parameters"])
    assert fusion["fusion"]["pipeline"] == cards["fusion"]["name"] == "fusion"
    assert cards["agent"]["fusion"]["pipeline"] == "one"  # names of one pipeline are told by it
    assert "samples" in fusion["fusion"]["overridable"]


async def test_unknown_price_is_absent() -> None:
    # wire 1.10: never -1 or 0
    unknown = {"rates": Prices({}, "").rates}
    async with stand(surroundings=unknown) as at, at.session.get(at.url("/v1/models/fusion")) as response:
        card = await response.json()
    assert "pricing" not in card
    assert card["fusion"]["price_range_usd"] is None
