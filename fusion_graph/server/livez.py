"""GET /livez: the process answers. No work."""

from __future__ import annotations

from fusion_graph.contracts import Route
from fusion_graph.server._answer import Answer, said
from fusion_graph.server._service import Exchange


async def answer(_exchange: Exchange) -> Answer:
    return said({"status": "ok"})


ROUTE = Route(method="GET", path="/livez", handler=answer, public=True)
