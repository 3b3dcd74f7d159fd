"""POST /v1/messages/count_tokens: how long a prompt is, estimated; no model is called."""

from __future__ import annotations

import json

from fusion_graph.contracts import Route
from fusion_graph.engine.estimates import prompt_tokens, text_tokens
from fusion_graph.server._answer import Answer, said
from fusion_graph.server._guards import read_body
from fusion_graph.server._service import Exchange


async def answer(exchange: Exchange) -> Answer:
    from fusion_graph.server._wires.messages import read_messages_body  # as in `messages`

    await exchange.service.limits.count(exchange.key)
    asked = read_messages_body(await read_body(exchange.request, exchange.service.options), counting=True)
    exchange.service.find(asked.model, exchange.key)
    count = prompt_tokens(asked.messages)
    if asked.writer is not None and asked.writer.tools:
        count += text_tokens(json.dumps(asked.writer.tools))
    return said({"input_tokens": count}, "x-fusion-estimate: 1\r\n")


ROUTE = Route(method="POST", path="/v1/messages/count_tokens", handler=answer)
