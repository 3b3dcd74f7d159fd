"""How to write down the reply of an upstream byte by byte, so that it can misbehave. Pure; `_sim/faults` is the table
of such replies, `_sim/server` puts them on the wire.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

End = Literal["whole", "close", "reset", "stall", "loop"]
"""How the reply ends: as HTTP wants it; by closing, or resetting, the connection; never, in silence or with its pieces
again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """One reply. `pieces` are bytes to write, one packet each, and seconds to wait between them. `length` makes it a
    body of that many bytes; without it the body is chunked, or ends with the connection if `chunked` is false."""

    status: int = 200
    media: str = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: tuple[bytes | float, ...] = ()
    end: End = "whole"
    chunked: bool = True
    length: int | None = None
    silent: bool = False  # not even a status line


TEXT = "The quick brown fox."

_USAGE = {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9}


def chunk(delta: Mapping[str, Any] | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A chunk of a stream, as an object."""
    choice = {"index": 0, "delta": dict(delta or {}), "finish_reason": finish}
    head = {"id": "sim", "object": "chat.completion.chunk", "created": 0, "model": "sim", "choices": [choice]}
    return {**head, "simulated": True, **more}


def sse(value: object) -> bytes:
    """One event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def says(*texts: str) -> bytes:
    """An event for each text."""
    return b"".join(sse(chunk({"content": text})) for text in texts)


def whole(message: Mapping[str, Any], finish: str | None = "stop", **more: Any) -> bytes:
    """A reply that is not a stream."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish, "logprobs": None}
    head = {"id": "sim", "object": "chat.completion", "created": 0, "model": "sim", "choices": [choice]}
    return json.dumps({**head, "usage": _USAGE, "simulated": True, **more}).encode()


DONE = b"data: [DONE]\n\n"
FINISH = sse(chunk(finish="stop"))
USAGE = sse(chunk(choices=[], usage=_USAGE))
TAIL = FINISH + USAGE + DONE
HALF = says("The quick ")
FULL = says("The quick ", "brown fox.")


def body(content: bytes, *, media: str = "application/json", status: int = 200, **headers: str) -> Raw:
    """A reply that is one body of known length. Header names have `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Raw(status=status, media=media, pieces=(content,), length=len(content), headers=named)


def refusal(status: int, code: str | int | None = None, **headers: str) -> Raw:
    """A failed request with the usual error body."""
    error = {"message": "made up", "type": "simulated", "param": None, "code": code}
    return body(json.dumps({"error": error}).encode(), status=status, **headers)


def calls(*entries: Mapping[str, Any]) -> bytes:
    """An event with pieces of tool calls."""
    return sse(chunk({"tool_calls": list(entries)}))


def function(name: str | None, arguments: str, **entry: Any) -> dict[str, Any]:
    """A piece of a tool call; its index and id stand in `entry`, or not at all."""
    named = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    return {**entry, "type": "function", "function": named}
