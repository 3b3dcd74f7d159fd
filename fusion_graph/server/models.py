"""GET /v1/models: everything that can be asked by name."""

from __future__ import annotations

from fusion_graph.contracts import Route
from fusion_graph.server import _cards_anthropic
from fusion_graph.server._answer import Answer, said
from fusion_graph.server._cards import card
from fusion_graph.server._service import Exchange


async def answer(exchange: Exchange) -> Answer:
    service = exchange.service
    cards = [card(one, one.id, service) for one in service.shelf if exchange.key.may_use(one.id)]
    for alias, name in service.shelf.aliases.items():
        served = service.shelf.find(name)
        if served is not None and exchange.key.may_use(served.id):
            cards.append(card(served, alias, service))
    whole = {"object": "list", "data": cards}
    if _cards_anthropic.VERSION in exchange.request.headers:
        whole = _cards_anthropic.cards(cards)
    return said(whole)


ROUTE = Route(method="GET", path="/v1/models", handler=answer)
