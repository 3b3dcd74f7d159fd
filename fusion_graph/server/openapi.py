"""GET /openapi.json: this surface as OpenAPI 3.1, made from the table of routes and `_shapes/document`."""

from __future__ import annotations

from fusion_graph.contracts import Route
from fusion_graph.server._answer import Answer, said
from fusion_graph.server._service import Exchange


async def answer(exchange: Exchange) -> Answer:
    from fusion_graph.server import ROUTES
    from fusion_graph.server._shapes.document import document

    return said(document(ROUTES, exchange.service.version))


ROUTE = Route(method="GET", path="/openapi.json", handler=answer)
