"""GET /: what this is and where to go on. No work."""

from __future__ import annotations

import json

from aiohttp import web

from fusion_graph.contracts import Route
from fusion_graph.server._service import Exchange

TOLD = json.dumps({"status": "ok", "name": "fusion_graph", "api": "/v1", "openapi": "/openapi.json"})


async def answer(_exchange: Exchange) -> web.Response:
    return web.Response(text=TOLD, content_type="application/json")


ROUTE = Route(method="GET", path="/", handler=answer, public=True)
