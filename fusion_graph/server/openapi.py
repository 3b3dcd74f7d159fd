"""GET /openapi.json: this surface as OpenAPI 3.1, made from the table of routes and `_shapes/document`."""

from __future__ import annotations

import json

from aiohttp import web

from fusion_graph.contracts import Route
from fusion_graph.server._service import Exchange


async def answer(exchange: Exchange) -> web.Response:
    from fusion_graph.server import ROUTES
    from fusion_graph.server._shapes.document import document

    return web.Response(text=json.dumps(document(ROUTES, exchange.service.version)), content_type="application/json")


ROUTE = Route(method="GET", path="/openapi.json", handler=answer)
