"""POST /v1/messages: the same, in the words of Anthropic's Messages API."""

from __future__ import annotations

from collections.abc import Awaitable

from fusion_graph.contracts import Route
from fusion_graph.server._answer import Answer
from fusion_graph.server._conversing import converse
from fusion_graph.server._service import Exchange


def answer(exchange: Exchange) -> Awaitable[Answer]:
    from fusion_graph.server._wires.messages import MESSAGES  # a server may never be asked in these words

    return converse(exchange, MESSAGES)


ROUTE = Route(method="POST", path="/v1/messages", handler=answer)
