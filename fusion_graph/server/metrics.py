"""GET /metrics: counters for Prometheus. Needs a key where there are keys."""

from __future__ import annotations

import asyncio

from aiohttp import web

from fusion_graph.contracts import Route
from fusion_graph.server._service import Exchange


async def answer(exchange: Exchange) -> web.Response:
    service = exchange.service
    service.metrics.gauges["runs_in_flight"] = service.admission.running
    service.metrics.gauges["runs_waiting"] = service.admission.waiting
    service.metrics.gauges["tasks"] = len(asyncio.all_tasks())
    return web.Response(
        body=service.metrics.text().encode(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )


ROUTE = Route(method="GET", path="/metrics", handler=answer)
