"""GET /: what this is and where to go on. No work."""

from __future__ import annotations

from fusion_graph.contracts import Route
from fusion_graph.server._answer import Answer, said
from fusion_graph.server._service import Exchange

TOLD = {"status": "ok", "name": "fusion_graph", "api": "/v1", "openapi": "/openapi.json"}


async def answer(_exchange: Exchange) -> Answer:
    return said(TOLD)


ROUTE = Route(method="GET", path="/", handler=answer, public=True)
