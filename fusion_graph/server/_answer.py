"""A finished or growing answer in the shapes of Chat Completions (wire contract 1.3). Pure; bytes out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from json.encoder import encode_basestring_ascii as quote
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fusion_graph.engine.report import RunResult
    from fusion_graph.messages import ToolCallDelta
    from fusion_graph.outputs import Draft

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"


def completion(
    name: str, created: int, result: RunResult, block: dict[str, Any], counted: dict[str, Any]
) -> dict[str, Any]:
    """The whole answer of a request that does not stream. `counted` is its usage."""
    return {
        "id": completion_id(result.run_id),
        "object": "chat.completion",
        "created": created,
        "model": name,
        "choices": [_choice(i, draft) for i, draft in enumerate(result.choices)],
        "usage": counted,
        "fusion": block,
    }


def completion_id(run_id: str) -> str:
    return f"chatcmpl-{run_id}"


def finish_reason(draft: Draft) -> str:
    """Tool calls are the reason wherever there are any."""
    return "tool_calls" if draft.tool_calls else "stop" if draft.finish_reason == "tool_calls" else draft.finish_reason


def _choice(index: int, draft: Draft) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": draft.text, "refusal": None}
    if draft.refused and draft.finish_reason != "content_filter":
        message |= {"content": None, "refusal": draft.text}
    if draft.tool_calls:
        message["content"] = draft.text or None
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in draft.tool_calls
        ]
    return {"index": index, "message": message, "finish_reason": finish_reason(draft), "logprobs": draft.logprobs}


class Chunks:
    """Writes the chunks of one stream: same id, time and model in all of them. What never changes is built once."""

    endpoint = "chat_completions"
    __slots__ = ("_begun", "_head", "_n", "_tail", "_usage")

    def __init__(self, name: str, created: int, run_id: str, *, include_usage: bool, n: int = 1) -> None:
        head = {"id": completion_id(run_id), "object": "chat.completion.chunk", "created": created, "model": name}
        self._head = "data: " + json.dumps(head)[:-1]
        self._usage = ', "usage": null' if include_usage else ""
        self._n = n
        self._begun = False
        self._tail = f'}}, "logprobs": null, "finish_reason": null}}]{self._usage}}}\n\n'

    def text(self, piece: str, choice: int = 0) -> bytes:
        """A piece of text. ASCII, so that nothing in it can break a line or a character."""
        line = f'{self._head}, "choices": [{{"index": {choice}, "delta": {{"content": {quote(piece)}{self._tail}'
        return (line if self._begun else self._begin() + line).encode("ascii")

    def reasoning(self, piece: str) -> bytes:
        """Progress, as reasoning models show it."""
        return self._delta(0, {"reasoning_content": piece})

    def calls(self, pieces: Sequence[ToolCallDelta], choice: int = 0) -> bytes:
        """Pieces of tool calls: id, type and name with the first of each."""
        return self._delta(choice, {"tool_calls": [_piece(piece) for piece in pieces]})

    def end(self, result: RunResult, block: dict[str, Any], counted: dict[str, Any]) -> bytes:
        """The last chunk of each choice, with all its logprobs; the block on the very last; then the counts if they
        were asked for."""
        lines = [] if self._begun else [self._begin()]
        last = len(result.choices) - 1
        for i, draft in enumerate(result.choices):
            choice = {"index": i, "delta": {}, "logprobs": draft.logprobs, "finish_reason": finish_reason(draft)}
            more = f', "fusion": {json.dumps(block)}' if i == last else ""
            lines.append(f'{self._head}, "choices": [{json.dumps(choice)}]{self._usage}{more}}}\n\n')
        if self._usage:
            lines.append(f'{self._head}, "choices": [], "usage": {json.dumps(counted)}}}\n\n')
        return "".join(lines).encode("ascii") + DONE

    def _delta(self, choice: int, delta: dict[str, Any]) -> bytes:
        entry = {"index": choice, "delta": delta, "logprobs": None, "finish_reason": None}
        line = f'{self._head}, "choices": [{json.dumps(entry)}]{self._usage}}}\n\n'
        return (line if self._begun else self._begin() + line).encode("ascii")

    def _begin(self) -> str:
        """The first chunk of every choice says who speaks, so indexes first appear in order."""
        self._begun = True
        return "".join(
            f'{self._head}, "choices": [{{"index": {i}, "delta": {{"role": "assistant", "content": ""{self._tail}'
            for i in range(self._n)
        )


def error_event(body: dict[str, Any]) -> bytes:
    """The end of a stream that failed."""
    return b"data: " + json.dumps(body).encode("ascii") + b"\n\n"


def _piece(piece: ToolCallDelta) -> dict[str, Any]:
    function = {"name": piece.name, "arguments": piece.arguments} if piece.name else {"arguments": piece.arguments}
    if not piece.id:
        return {"index": piece.index, "function": function}
    return {"index": piece.index, "id": piece.id, "type": "function", "function": function}
