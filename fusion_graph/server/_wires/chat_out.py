"""A finished or growing answer in the shapes of Chat Completions (wire contract 1.3). Pure; bytes out."""

from __future__ import annotations

from collections.abc import Sequence
from json.encoder import encode_basestring_ascii as quote
from typing import TYPE_CHECKING, Any

from fusion_graph.jsontext import write_ascii
from fusion_graph.server._progress import Progress
from fusion_graph.server._report import scoped_usage, usage

if TYPE_CHECKING:
    from fusion_graph.engine.report import RunResult
    from fusion_graph.events import Event
    from fusion_graph.messages import Delta, ToolCallDelta
    from fusion_graph.outputs import Draft
    from fusion_graph.server._errors import Refused
    from fusion_graph.server._wires.speech import Head

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"


def completion_id(run_id: str) -> str:
    return f"chatcmpl-{run_id}"


def finish_reason(draft: Draft) -> str:
    """Tool calls are the reason wherever there are any."""
    return "tool_calls" if draft.tool_calls else "stop" if draft.finish_reason == "tool_calls" else draft.finish_reason


def _choice(index: int, draft: Draft) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": draft.text, "refusal": draft.refusal or None}
    if draft.tool_calls:
        message["content"] = draft.text or None
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in draft.tool_calls
        ]
    return {"index": index, "message": message, "finish_reason": finish_reason(draft), "logprobs": draft.logprobs}


class Chunks:
    """One answer in the words of Chat Completions. The chunks of a stream have the same id, time and model: what never
    changes is built once."""

    __slots__ = ("_about", "_head", "_n", "_progress", "_tail", "_usage")

    def __init__(self, head: Head, *, include_usage: bool = False, n: int = 1, progress: bool = False) -> None:
        self._about = head
        self._usage = ', "usage": null' if include_usage else ""
        self._n = n
        self._progress = Progress() if progress else None
        self._head = self._tail = ""  # around what is said, from the first chunk on

    @property
    def watches(self) -> bool:
        return self._progress is not None

    def beat(self) -> bytes:
        return KEEP_ALIVE

    def event(self, event: Event) -> bytes:
        """Progress until the answer begins, as reasoning models show it."""
        line = "" if self._progress is None else self._progress.line(event)
        return self._delta(0, {"reasoning_content": f"{line}\n"}) if line else b""

    def hear(self, _node: str, _delta: Delta, _room: bool) -> bytes:
        return b""

    def text(self, piece: str, choice: int = 0) -> bytes:
        """A piece of text. ASCII, so that nothing in it can break a line or a character."""
        self._progress = None
        opening = "" if self._head else self._begin()
        line = f'{self._head}, "choices": [{{"index": {choice}, "delta": {{"content": {quote(piece)}{self._tail}'
        return (opening + line).encode("ascii")

    def calls(self, pieces: Sequence[ToolCallDelta], choice: int = 0) -> bytes:
        """Pieces of tool calls: id, type and name with the first of each."""
        self._progress = None
        return self._delta(choice, {"tool_calls": [_piece(piece) for piece in pieces]})

    def whole(self, result: RunResult, block: dict[str, Any]) -> dict[str, Any]:
        """The whole answer of a request that does not stream."""
        return {
            "id": completion_id(result.run_id),
            "object": "chat.completion",
            "created": self._about.created,
            "model": self._about.model,
            "choices": [_choice(i, draft) for i, draft in enumerate(result.choices)],
            "usage": self._counted(result),
            "fusion": block,
        }

    def failed(self, refused: Refused) -> bytes:
        """No finish, no [DONE]."""
        return b"data: " + write_ascii(refused.body) + b"\n\n"

    def end(self, result: RunResult, block: dict[str, Any]) -> bytes:
        """The last chunk of each choice, with all its logprobs; the block on the very last; then the counts if they
        were asked for."""
        lines = [] if self._head else [self._begin()]
        last = len(result.choices) - 1
        for i, draft in enumerate(result.choices):
            delta = {"refusal": draft.refusal} if draft.refusal else {}
            choice = {"index": i, "delta": delta, "logprobs": draft.logprobs, "finish_reason": finish_reason(draft)}
            more = f', "fusion": {_spelt(block)}' if i == last else ""
            lines.append(f'{self._head}, "choices": [{_spelt(choice)}]{self._usage}{more}}}\n\n')
        if self._usage:
            counted = _spelt(self._counted(result))
            lines.append(f'{self._head}, "choices": [], "usage": {counted}}}\n\n')
        return "".join(lines).encode("ascii") + DONE

    def _counted(self, result: RunResult) -> dict[str, Any]:
        return usage(scoped_usage(result, final=self._about.final), result.cost_usd)

    def _delta(self, choice: int, delta: dict[str, Any]) -> bytes:
        entry = {"index": choice, "delta": delta, "logprobs": None, "finish_reason": None}
        opening = "" if self._head else self._begin()
        line = f'{self._head}, "choices": [{_spelt(entry)}]{self._usage}}}\n\n'
        return (opening + line).encode("ascii")

    def _begin(self) -> str:
        """The first chunk of every choice says who speaks, so indexes first appear in order."""
        about = self._about
        first = {
            "id": completion_id(about.run_id),
            "object": "chat.completion.chunk",
            "created": about.created,
            "model": about.model,
        }
        self._head = "data: " + _spelt(first)[:-1]
        self._tail = f'}}, "logprobs": null, "finish_reason": null}}]{self._usage}}}\n\n'
        return "".join(
            f'{self._head}, "choices": [{{"index": {i}, "delta": {{"role": "assistant", "content": ""{self._tail}'
            for i in range(self._n)
        )


def _spelt(value: Any) -> str:
    return write_ascii(value).decode("ascii")


def _piece(piece: ToolCallDelta) -> dict[str, Any]:
    function = {"name": piece.name, "arguments": piece.arguments} if piece.name else {"arguments": piece.arguments}
    if not piece.id:
        return {"index": piece.index, "function": function}
    return {"index": piece.index, "id": piece.id, "type": "function", "function": function}
