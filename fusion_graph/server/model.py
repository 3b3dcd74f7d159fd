"""GET /v1/models/{id}: one model. The id may hold slashes, encoded or not."""

from __future__ import annotations

from fusion_graph.contracts import Route
from fusion_graph.server import _cards_anthropic
from fusion_graph.server._answer import Answer, said
from fusion_graph.server._cards import card
from fusion_graph.server._service import Exchange


async def answer(exchange: Exchange) -> Answer:
    service = exchange.service
    served = service.find(exchange.tail, exchange.key)
    entry = card(served, exchange.tail, service)
    if _cards_anthropic.VERSION in exchange.request.headers:
        entry = _cards_anthropic.card(entry)
    return said(entry)


ROUTE = Route(method="GET", path="/v1/models/{id}", handler=answer)
