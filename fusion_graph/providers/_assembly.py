"""Puts a reply together from its deltas. Pure; used by every provider that streams."""

from __future__ import annotations

from typing import Any

from fusion_graph.errors import Transient
from fusion_graph.messages import Completion, Delta, FinishReason, ToolCall, ToolCallDelta


class Assembly:
    """The reply so far."""

    __slots__ = ("_calls", "reasoning", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.reasoning: list[str] = []
        self._calls: dict[int, tuple[list[str], list[str], list[str]]] = {}  # index: ids, names, pieces of arguments

    def add(self, delta: Delta) -> None:
        if delta.text:
            self.texts.append(delta.text)
        if delta.reasoning:
            self.reasoning.append(delta.reasoning)
        for piece in delta.tool_calls:
            self.add_call(piece)

    def add_call(self, piece: ToolCallDelta) -> None:
        ids, names, arguments = self._calls.setdefault(piece.index, ([], [], []))
        if piece.id:
            ids.append(piece.id)
        if piece.name:
            names.append(piece.name)
        arguments.append(piece.arguments)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(
            ToolCall(
                id=ids[0] if ids else f"call_{index}", name=names[0] if names else "", arguments="".join(arguments)
            )
            for index, (ids, names, arguments) in sorted(self._calls.items())
        )

    def completion(self, finish_reason: FinishReason = "stop", **fields: Any) -> Completion:
        """The whole reply. `tool_calls` is the reason exactly if there are any, whatever the upstream said."""
        calls = self.calls
        if finish_reason == "tool_calls":
            finish_reason = "stop"
        return Completion(
            text="".join(self.texts),
            reasoning="".join(self.reasoning),
            tool_calls=calls,
            finish_reason="tool_calls" if calls else finish_reason,
            **fields,
        )


def refuse_empty(completion: Completion) -> Completion:
    """The completion itself, or Transient `empty_output` if it says nothing: no text, no tool call, no refusal.
    Reasoning alone is nothing. A filtered reply passes: it is honest about why it is empty."""
    if completion.text.strip() or completion.tool_calls or completion.refusal:
        return completion
    if completion.finish_reason == "content_filter":
        return completion
    raise Transient("empty_output", "the model answered with no text", usage=completion.usage)
