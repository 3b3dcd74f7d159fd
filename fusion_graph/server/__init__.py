"""The table of endpoints. A new one is one file here that exports ROUTE, and one line in this table."""

from __future__ import annotations

from collections.abc import Mapping

from fusion_graph.contracts import Route
from fusion_graph.server import (
    chat_completions,
    count_tokens,
    health,
    livez,
    messages,
    metrics,
    model,
    models,
    openapi,
    readyz,
    responses,
    root,
)

ROUTES: Mapping[str, Route] = {
    "chat_completions": chat_completions.ROUTE,
    "messages": messages.ROUTE,
    "count_tokens": count_tokens.ROUTE,
    "responses": responses.ROUTE,
    "models": models.ROUTE,
    "model": model.ROUTE,
    "health": health.ROUTE,
    "livez": livez.ROUTE,
    "readyz": readyz.ROUTE,
    "metrics": metrics.ROUTE,
    "openapi": openapi.ROUTE,
    "root": root.ROUTE,
}
