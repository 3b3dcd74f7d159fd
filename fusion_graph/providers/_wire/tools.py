"""Tool calls as upstreams write them, made regular: one index a call, one id, one name. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fusion_graph.errors import Transient
from fusion_graph.messages import ToolCallDelta
from fusion_graph.providers._wire.text import join_halves


class ToolCallReader:
    """The calls of one reply. Upstreams leave out the index or the id, repeat ids, or give every call the index 0."""

    __slots__ = ("_by_index", "_ids", "_named", "notes")

    def __init__(self) -> None:
        self._ids: list[str] = []  # by our own index
        self._named: list[bool] = []
        self._by_index: dict[int, int] = {}  # theirs to ours
        self.notes: list[str] = []

    def take(self, raw: Any) -> tuple[ToolCallDelta, ...]:
        """The pieces in a `tool_calls` list, in our own numbering."""
        if not isinstance(raw, list):
            raise malformed("tool_calls is not a list")
        return tuple(self._piece(entry) for entry in raw)

    def _piece(self, entry: Any) -> ToolCallDelta:
        function = entry.get("function") or {} if isinstance(entry, Mapping) else None
        if not isinstance(function, Mapping):
            raise malformed("a tool call is not an object")
        given, name = str(entry.get("id") or ""), str(function.get("name") or "")
        index = self._place(entry.get("index"), given, name)
        is_new = index == len(self._ids)
        if is_new:
            self._ids.append(self._new_id(given, index))
            self._named.append(False)
        first_name = name if name and not self._named[index] else ""
        self._named[index] |= bool(name)
        return ToolCallDelta(index, self._ids[index] if is_new else "", first_name, _arguments(function))

    def _place(self, index: Any, given: str, name: str) -> int:
        """Our index for a piece; the next free one if it begins a call."""
        if isinstance(index, bool) or not isinstance(index, int) or index < 0:
            if given in self._ids:
                return self._ids.index(given)
            return len(self._ids) if given or name or not self._ids else len(self._ids) - 1
        ours = self._by_index.get(index)
        if ours is None or (given and name and self._named[ours] and given != self._ids[ours]):
            ours = self._by_index[index] = len(self._ids)
        return ours

    def _new_id(self, given: str, index: int) -> str:
        if given and given not in self._ids:
            return given
        self.notes.append("tool_call_id_invented")
        return f"call_{index}" if f"call_{index}" not in self._ids else f"call_{index}_{len(self._ids)}"


def malformed(what: str) -> Transient:
    return Transient("malformed_stream", f"the reply is not in the shape of the API: {what}")


def _arguments(function: Mapping[str, Any]) -> str:
    arguments = function.get("arguments")
    if isinstance(arguments, Mapping):
        return json.dumps(arguments)
    if arguments is None or isinstance(arguments, str):
        return join_halves(arguments) if arguments else ""
    raise malformed("tool arguments are not text")
