"""GET /livez: the process answers. No work."""

from __future__ import annotations

from aiohttp import web

from fusion_graph.contracts import Route
from fusion_graph.server._service import Exchange


async def answer(_exchange: Exchange) -> web.Response:
    return web.Response(text='{"status": "ok"}', content_type="application/json")


ROUTE = Route(method="GET", path="/livez", handler=answer, public=True)
