"""POST /v1/responses: the same, in the words of OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Awaitable

from fusion_graph.contracts import Route
from fusion_graph.server._answer import Answer
from fusion_graph.server._conversing import converse
from fusion_graph.server._service import Exchange


def answer(exchange: Exchange) -> Awaitable[Answer]:
    from fusion_graph.server._wires.responses import RESPONSES  # a server may never be asked in these words

    return converse(exchange, RESPONSES)


ROUTE = Route(method="POST", path="/v1/responses", handler=answer)
