"""GET /metrics: counters for Prometheus. Needs a key where there are keys."""

from __future__ import annotations

import asyncio

from fusion_graph.contracts import Route
from fusion_graph.server._answer import Answer
from fusion_graph.server._service import Exchange


async def answer(exchange: Exchange) -> Answer:
    service = exchange.service
    service.metrics.gauges["runs_in_flight"] = service.admission.running
    service.metrics.gauges["runs_waiting"] = service.admission.waiting
    service.metrics.gauges["tasks"] = len(asyncio.all_tasks())
    return Answer(service.metrics.text().encode(), "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n")


ROUTE = Route(method="GET", path="/metrics", handler=answer)
