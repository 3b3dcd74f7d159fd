"""An answer in the words of Anthropic's Messages (wire contract 3.1), whole or as its event stream. Pure; bytes out.

One block is open at a time. What belongs to another one waits until the end: an upstream may write several tool calls
at once, and nobody can tell when the first of them is whole.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fusion_graph.jsontext import write_ascii
from fusion_graph.server._errors import Refused
from fusion_graph.server._report import scoped_usage
from fusion_graph.server._wires.chat_out import finish_reason
from fusion_graph.server._wires.errors import messages as spoken

if TYPE_CHECKING:
    from fusion_graph.engine.report import RunResult
    from fusion_graph.events import Event
    from fusion_graph.messages import Delta, ToolCall, ToolCallDelta, Usage
    from fusion_graph.outputs import Draft
    from fusion_graph.server._wires.speech import Head

TEXT = -1
"""The place of the text among blocks; calls have their indexes."""
REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}


class MessageSpeech:
    """One answer. With `tells` the last event of a stream carries the `fusion` block; `stops` are the client's own stop
    texts, as only of those it is told."""

    watches = False

    def __init__(self, head: Head, *, tells: bool = False, stops: Sequence[str] = ()) -> None:
        self._head = head
        self._tells = tells
        self._stops = stops
        self._begun = False
        self._blocks = 0  # how many were begun
        self._open: int | None = None
        self._waiting: dict[int, list[ToolCallDelta | str]] = {}

    # --- a stream -----------------------------------------------------------------------------------------------------

    def beat(self) -> bytes:
        return self._begin() + event("ping")

    def event(self, _event: Event) -> bytes:
        return b""

    def hear(self, _node: str, _delta: Delta, _room: bool) -> bytes:
        return b""

    def text(self, piece: str, _choice: int = 0) -> bytes:
        if not piece:
            return b""
        if self._open not in (None, TEXT):
            self._waiting.setdefault(TEXT, []).append(piece)
            return b""
        begun = self._begin()
        if self._open is None:
            begun += self._start(TEXT, {"type": "text", "text": ""})
        return begun + self._delta({"type": "text_delta", "text": piece})

    def calls(self, pieces: Sequence[ToolCallDelta], _choice: int = 0) -> bytes:
        return self._begin() + b"".join(self._call(piece) for piece in pieces)

    def end(self, result: RunResult, block: dict[str, Any]) -> bytes:
        assert result.answer is not None
        for call in result.answer.tool_calls:
            read_input(call)
        said = [self._begin(), self._rest()]
        change = {
            "delta": stopped(result.answer, self._stops),
            "usage": counted(scoped_usage(result, final=self._head.final)),
        }
        said.append(event("message_delta", **change, **({"fusion": block} if self._tells else {})))
        return b"".join([*said, event("message_stop")])

    def failed(self, refused: Refused) -> bytes:
        _, body = spoken(refused, self._head.request_id)
        return self._begin() + event(**body)

    # --- its blocks ---------------------------------------------------------------------------------------------------

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        usage = {"input_tokens": self._head.prompt_tokens, "output_tokens": 0}
        return event("message_start", message=self._message([], usage))

    def _call(self, piece: ToolCallDelta) -> bytes:
        if self._open == piece.index:
            return self._delta(_arguments(piece.arguments)) if piece.arguments else b""
        if self._open not in (None, TEXT):
            self._waiting.setdefault(piece.index, []).append(piece)
            return b""
        begun = self._close() + self._start(
            piece.index, {"type": "tool_use", "id": piece.id, "name": piece.name, "input": {}}
        )
        return begun + (self._delta(_arguments(piece.arguments)) if piece.arguments else b"")

    def _rest(self) -> bytes:
        """What had to wait, block after block, in the order in which they began."""
        said = [self._close()]
        for pieces in self._waiting.values():
            said += [self.text(piece) if isinstance(piece, str) else self._call(piece) for piece in pieces]
            said.append(self._close())
        return b"".join(said)

    def _start(self, place: int, block: dict[str, Any]) -> bytes:
        self._open, self._blocks = place, self._blocks + 1
        return event("content_block_start", index=self._blocks - 1, content_block=block)

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return event("content_block_delta", index=self._blocks - 1, delta=delta)

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        return event("content_block_stop", index=self._blocks - 1)

    # --- whole --------------------------------------------------------------------------------------------------------

    def whole(self, result: RunResult, block: dict[str, Any]) -> dict[str, Any]:
        draft = result.answer
        assert draft is not None
        content: list[dict[str, Any]] = [{"type": "text", "text": draft.text}] if draft.text else []
        content += [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": read_input(call)}
            for call in draft.tool_calls
        ]
        usage = counted(scoped_usage(result, final=self._head.final))
        return {**self._message(content, usage), **stopped(draft, self._stops), "fusion": block}

    def _message(self, content: list[dict[str, Any]], usage: dict[str, int]) -> dict[str, Any]:
        return {
            "id": f"msg_{self._head.run_id}",
            "type": "message",
            "role": "assistant",
            "model": self._head.model,
            "content": content,
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage,
        }


def event(type: str, **fields: Any) -> bytes:  # noqa: A002 (the name on the wire)
    """One event. ASCII, so that nothing in it can break a line."""
    return b"event: %b\ndata: %b\n\n" % (type.encode("ascii"), write_ascii({"type": type, **fields}))


def read_input(call: ToolCall) -> dict[str, Any]:
    """The arguments of a call as the object that this wire wants. Raises Refused: then the writer failed."""
    try:
        found = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        text = "the writer called a tool with arguments that are no JSON object"
        raise Refused(502, "upstream_error", text, code="invalid_output", retry=False)
    return found


def stopped(draft: Draft, stops: Sequence[str] = ()) -> dict[str, str | None]:
    """Why it ended; by which of the client's stop texts only where the upstream says so."""
    if draft.refused and not draft.tool_calls:
        return {"stop_reason": "refusal", "stop_sequence": None}
    reason = finish_reason(draft)
    if reason == "stop" and draft.stop_sequence in stops:
        return {"stop_reason": "stop_sequence", "stop_sequence": draft.stop_sequence}
    return {"stop_reason": REASONS[reason], "stop_sequence": None}


def counted(used: Usage) -> dict[str, int]:
    """Tokens in this wire's words, in which those read from a cache are no input."""
    return {
        "input_tokens": max(used.prompt_tokens - used.cached_tokens, 0),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": used.cached_tokens,
        "output_tokens": used.completion_tokens,
    }


def _arguments(piece: str) -> dict[str, Any]:
    return {"type": "input_json_delta", "partial_json": piece}
