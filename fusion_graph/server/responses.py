"""POST /v1/responses: the same, in the words of OpenAI's Responses API."""

from __future__ import annotations

from collections.abc import Awaitable

from aiohttp import web

from fusion_graph.contracts import Route
from fusion_graph.server._conversing import converse
from fusion_graph.server._service import Exchange
from fusion_graph.server._wires.responses import RESPONSES


def answer(exchange: Exchange) -> Awaitable[web.StreamResponse]:
    return converse(exchange, RESPONSES)


ROUTE = Route(method="POST", path="/v1/responses", handler=answer)
