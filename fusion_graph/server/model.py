"""GET /v1/models/{id}: one model. The id may hold slashes, encoded or not."""

from __future__ import annotations

import json

from aiohttp import web

from fusion_graph.contracts import Route
from fusion_graph.server._cards import card
from fusion_graph.server._service import Exchange


async def answer(exchange: Exchange) -> web.Response:
    service = exchange.service
    served = service.find(exchange.tail, exchange.key)
    return web.Response(text=json.dumps(card(served, exchange.tail, service)), content_type="application/json")


ROUTE = Route(method="GET", path="/v1/models/{id}", handler=answer)
