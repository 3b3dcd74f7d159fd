"""POST /v1/chat/completions: a pipeline answers a conversation, whole or streamed."""

from __future__ import annotations

from collections.abc import Awaitable

from fusion_graph.contracts import Route
from fusion_graph.server._answer import Answer
from fusion_graph.server._conversing import converse
from fusion_graph.server._service import Exchange
from fusion_graph.server._wires.chat import CHAT


def answer(exchange: Exchange) -> Awaitable[Answer]:
    return converse(exchange, CHAT)


ROUTE = Route(method="POST", path="/v1/chat/completions", handler=answer)
