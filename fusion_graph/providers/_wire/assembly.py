"""Puts a reply together from its deltas. Pure; used by every provider that streams."""

from __future__ import annotations

from operator import attrgetter

from fusion_graph.errors import Transient
from fusion_graph.messages import Completion, Delta, FinishReason, ToolCall

_text, _reasoning = attrgetter("text"), attrgetter("reasoning")


class Assembly:
    """The reply so far."""

    __slots__ = ("_deltas",)

    def __init__(self) -> None:
        self._deltas: list[Delta] = []

    def add(self, delta: Delta) -> None:
        self._deltas.append(delta)

    @property
    def text(self) -> str:
        return "".join(map(_text, self._deltas))

    @property
    def reasoning(self) -> str:
        return "".join(map(_reasoning, self._deltas))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        calls: dict[int, tuple[str, str, list[str]]] = {}  # by index: id, name, pieces of arguments
        for piece in (piece for delta in self._deltas for piece in delta.tool_calls):
            call_id, name, arguments = calls.get(piece.index, ("", "", []))
            arguments.append(piece.arguments)
            calls[piece.index] = (call_id or piece.id, name or piece.name, arguments)
        return tuple(
            ToolCall(id=call_id or f"call_{index}", name=name, arguments="".join(arguments))
            for index, (call_id, name, arguments) in sorted(calls.items())
        )


def finish_of(calls: tuple[ToolCall, ...], said: FinishReason = "stop") -> FinishReason:
    """Why a reply ended: `tool_calls` exactly if there are any, whatever the upstream said."""
    if calls:
        return "tool_calls"
    return "stop" if said == "tool_calls" else said


def refuse_empty(completion: Completion) -> Completion:
    """The completion itself, or Transient `empty_output` if it says nothing: no text, no tool call, no refusal.
    Reasoning alone is nothing. A filtered reply passes: it is honest about why it is empty."""
    if completion.text.strip() or completion.tool_calls or completion.refusal:
        return completion
    if completion.finish_reason == "content_filter":
        return completion
    raise Transient("empty_output", "the model answered with no text", usage=completion.usage)
