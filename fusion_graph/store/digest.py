"""What makes two calls the same: everything that reaches the wire, and what keeps apart draws of one prompt (semantics
7). Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fusion_graph.messages import Call, Message, Sampling

FIELDS = Sampling._fields
UNSET: tuple[Any, ...] = (None, (), {})
FORMAT = 1  # of what is digested; a change makes every older digest a stranger


def call_digest(kind: str, version: int, backend: str, call: Call, fence: str) -> str:
    """sha256 in hex. The random fence around drafts is taken out: it differs from run to run and means nothing. Node,
    depth and run are not in it, so the same call of another graph is the same call."""
    what = {
        "format": FORMAT,
        "kind": f"{kind}/{version}",
        "backend": backend,
        "model": call.model,
        "messages": [_message(message) for message in call.messages],
        "sampling": {name: value for name, value in zip(FIELDS, call.sampling, strict=True) if value not in UNSET},
        "draw": call.draw,
    }
    text = ENCODER.encode(what)
    if fence:
        text = text.replace(fence, "")
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def use_digest(tool: str, arguments: Mapping[str, Any]) -> str:
    """What makes two uses of a tool the same."""
    text = ENCODER.encode([tool, arguments])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _message(message: Message) -> dict[str, Any]:
    told: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        told["tool_calls"] = [asdict(call) for call in message.tool_calls]
    if message.tool_call_id or message.name:
        told |= {"tool_call_id": message.tool_call_id, "name": message.name}
    return told


def _plain(value: Any) -> Any:
    """What a request brought may be any mapping."""
    return dict(value) if isinstance(value, Mapping) else str(value)


ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=_plain)
