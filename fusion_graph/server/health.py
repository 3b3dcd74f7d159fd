"""GET /health: is it up; with a key also what it serves. Calls no model."""

from __future__ import annotations

from fusion_graph.contracts import Route
from fusion_graph.server._answer import Answer, said
from fusion_graph.server._service import Exchange


async def answer(exchange: Exchange) -> Answer:
    service = exchange.service
    told: dict[str, object] = {"status": "draining" if service.admission.draining else "ok"}
    key = service.keys.peek(exchange.request.headers)
    if key is not None:
        default = service.shelf.find("fusion")
        told |= {
            "version": service.version,
            "backend": service.backend,
            "config": default.pipeline.name if default else None,
            "panel_models": list(default.panel) if default else [],
            "pipelines": [one.id for one in service.shelf.pipelines if key.may_use(one.id)],
            "runs": service.admission.running,
        }
    return said(told)


ROUTE = Route(method="GET", path="/health", handler=answer, public=True)
