"""GET /readyz: it takes new requests. 503 while it shuts down. With a key also which backends are not asked just now:
no reason to take no requests, as a pipeline may have others."""

from __future__ import annotations

from fusion_graph.contracts import Route
from fusion_graph.server._answer import Answer, said
from fusion_graph.server._errors import unavailable
from fusion_graph.server._service import Exchange


async def answer(exchange: Exchange) -> Answer:
    service = exchange.service
    if service.admission.draining:
        raise unavailable("the server is shutting down", "draining")
    told: dict[str, object] = {"status": "ok"}
    if service.keys.peek(exchange.request.headers) is not None:
        lanes = {lane.backend.name: lane.trouble for lane in service.fusion.services.lanes.values()}
        told["backends"] = {name: trouble or "ok" for name, trouble in sorted(lanes.items())}
    return said(told)


ROUTE = Route(method="GET", path="/readyz", handler=answer, public=True)
