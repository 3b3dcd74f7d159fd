"""GET /readyz: it takes new requests. 503 while it shuts down."""

from __future__ import annotations

from aiohttp import web

from fusion_graph.contracts import Route
from fusion_graph.server._errors import unavailable
from fusion_graph.server._service import Exchange


async def answer(exchange: Exchange) -> web.Response:
    if exchange.service.admission.draining:
        raise unavailable("the server is shutting down", "draining")
    return web.Response(text='{"status": "ok"}', content_type="application/json")


ROUTE = Route(method="GET", path="/readyz", handler=answer, public=True)
