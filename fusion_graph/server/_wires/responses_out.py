"""An answer in the words of OpenAI's Responses (wire contract 3.2), whole or as its event stream. Pure; bytes out.

A stream counts its events without gaps, and its items in the order in which they began. Calls stay open until the end:
an upstream may write several at once, and nobody can tell when the first of them is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fusion_graph.jsontext import write_ascii
from fusion_graph.server._report import scoped_usage
from fusion_graph.server._wires.errors import failure_code
from fusion_graph.server._wires.fusion_out import Findings, Told
from fusion_graph.server._wires.names import Names, free_text
from fusion_graph.server._wires.tools import FUSION

if TYPE_CHECKING:
    from fusion_graph.engine.report import RunResult
    from fusion_graph.events import Event
    from fusion_graph.messages import Delta, ToolCallDelta, Usage
    from fusion_graph.outputs import Draft
    from fusion_graph.server._errors import Refused
    from fusion_graph.server._wires.speech import Head


PREFIXES: Mapping[str, str] = {"function_call": "fc", "custom_tool_call": "ctc"}
"""Of the ids of calls."""


@dataclass(slots=True)
class _Item:
    """One item of the output while it grows; `parts` are pieces of its text or arguments."""

    place: int
    body: dict[str, Any]
    parts: list[str] = field(default_factory=list)
    custom: bool = False

    @property
    def whole(self) -> str:
        return "".join(self.parts)

    @property
    def at(self) -> dict[str, Any]:
        """Where its events happen."""
        return {"item_id": self.body["id"], "output_index": self.place}


class ResponseSpeech:
    """One answer. `echo` is what the response object repeats of its request. The fusion is an item of it where the head
    has `roles`."""

    def __init__(self, head: Head, *, names: Names, echo: Mapping[str, Any]) -> None:
        self._head = head
        self._names = names
        self._echo = echo
        self._findings = Findings(head.roles, head.labels) if head.roles else None
        self._number = 0
        self._done: dict[int, dict[str, Any]] = {}
        self._fusion: _Item | None = None
        self._message: _Item | None = None
        self._calls: dict[int, _Item] = {}
        self._items = 0

    @property
    def watches(self) -> bool:
        return self._findings is not None

    # --- a stream -----------------------------------------------------------------------------------------------------

    def beat(self) -> bytes:
        begun = self._begin()
        return begun or self._say("response.in_progress", response=self._response("in_progress"))

    def text(self, piece: str, _choice: int = 0) -> bytes:
        if not piece:
            return b""
        said = [self._begin(), self._end_fusion()]
        if self._message is None:
            self._message, begun = self._open({"type": "message", "role": "assistant", "content": []}, "msg")
            at = {**self._message.at, "content_index": 0}
            said += [begun, self._say("response.content_part.added", **at, part=_parts("")[0])]
        self._message.parts.append(piece)
        at = {**self._message.at, "content_index": 0}
        return b"".join([*said, self._say("response.output_text.delta", **at, delta=piece, logprobs=[])])

    def calls(self, pieces: Sequence[ToolCallDelta], _choice: int = 0) -> bytes:
        return b"".join([self._begin(), self._end_fusion(), *(self._call(piece) for piece in pieces)])

    def event(self, event: Event) -> bytes:
        """How the fusion grows, until the answer begins."""
        if self._findings is None or (self._fusion is None and self._items):
            return b""
        told = list(self._findings.tell(event))
        if not told:
            return b""
        said = [self._begin()]
        if self._fusion is None:
            self._fusion, begun = self._open({"type": FUSION}, "fus")
            said += [begun, self._say("response.fusion_call.in_progress", **self._fusion.at)]
        return b"".join([*said, self._tell(told)])

    def _tell(self, told: Iterable[Told]) -> bytes:
        assert self._fusion is not None
        at = self._fusion.at
        return b"".join(self._say(f"response.fusion_call.{name}", **at, **more) for name, more in told)

    def hear(self, node: str, delta: Delta, room: bool) -> bytes:
        """What a panelist writes, until the answer begins."""
        if self._findings is None or self._fusion is None:
            return b""
        return self._tell(self._findings.hear(node, delta, room=room))

    def end(self, result: RunResult, block: dict[str, Any]) -> bytes:
        assert result.answer is not None
        said = [self._begin(), self._end_fusion(), self._end_message(result.answer.refusal)]
        said += [self._end_call(item) for item in self._calls.values()]
        state, why = _status(result.answer)
        usage = self._counted(result)
        whole = self._response(state, self._items_done(), incomplete_details=why, usage=usage, fusion=block)
        return b"".join([*said, self._say(f"response.{state}", response=whole)])

    def failed(self, refused: Refused) -> bytes:
        error: dict[str, Any] = {"code": failure_code(refused), "message": refused.message}
        if refused.fusion is not None:
            error["fusion"] = dict(refused.fusion)
        begun = self._begin()
        return begun + self._say("response.failed", response=self._response("failed", self._items_done(), error=error))

    # --- its items ----------------------------------------------------------------------------------------------------

    def _begin(self) -> bytes:
        if self._number:
            return b""
        response = self._response("in_progress")
        created = self._say("response.created", response=response)
        return created + self._say("response.in_progress", response=response)

    def _open(self, body: dict[str, Any], prefix: str) -> tuple[_Item, bytes]:
        place = self._items
        self._items += 1
        item = _Item(place, {"id": f"{prefix}_{self._head.run_id}_{place}", "status": "in_progress", **body})
        return item, self._say("response.output_item.added", output_index=place, item=item.body)

    def _close(self, item: _Item, **body: Any) -> bytes:
        whole = {**item.body, "status": "completed", **body}
        self._done[item.place] = whole
        return self._say("response.output_item.done", output_index=item.place, item=whole)

    def _call(self, piece: ToolCallDelta) -> bytes:
        item, said = self._calls.get(piece.index), b""
        if item is None:
            said = self._end_message()
            body = self._call_body(piece.id, piece.name, "")
            item, begun = self._open(body, PREFIXES[body["type"]])
            item.custom = body["type"] == "custom_tool_call"
            self._calls[piece.index] = item
            said += begun
        if not piece.arguments:
            return said
        item.parts.append(piece.arguments)
        if item.custom:  # its text is inside the arguments, which must be whole to be read
            return said
        return said + self._say("response.function_call_arguments.delta", **item.at, delta=piece.arguments)

    def _end_message(self, refusal: str = "") -> bytes:
        item, self._message = self._message, None
        if item is None:
            return b""
        at, parts = {**item.at, "content_index": 0}, _parts(item.whole, refusal)
        done = self._say("response.output_text.done", **at, text=item.whole, logprobs=[])
        done += self._say("response.content_part.done", **at, part=parts[0])
        if refusal:  # an upstream may say so at any time; here it is told behind the text, at once
            at["content_index"] = 1
            done += self._say("response.content_part.added", **at, part={**parts[1], "refusal": ""})
            done += self._say("response.refusal.delta", **at, delta=refusal)
            done += self._say("response.refusal.done", **at, refusal=refusal)
            done += self._say("response.content_part.done", **at, part=parts[1])
        return done + self._close(item, content=parts)

    def _end_call(self, item: _Item) -> bytes:
        if item.custom:
            text = free_text(item.whole)
            said = self._say("response.custom_tool_call_input.delta", **item.at, delta=text)
            said += self._say("response.custom_tool_call_input.done", **item.at, input=text)
            return said + self._close(item, input=text)
        name, whole = item.body["name"], item.whole
        said = self._say("response.function_call_arguments.done", **item.at, name=name, arguments=whole)
        return said + self._close(item, arguments=whole)

    def _end_fusion(self) -> bytes:
        item, self._fusion = self._fusion, None
        if item is None or self._findings is None:
            return b""
        result = self._findings.result()
        done = self._say("response.fusion_call.completed", **item.at)
        return done + self._close(item, status=_state_of(result), **result)

    def _items_done(self) -> list[dict[str, Any]]:
        return [self._done[place] for place in sorted(self._done)]

    def _say(self, type: str, **fields: Any) -> bytes:  # noqa: A002 (the name on the wire)
        """One event. ASCII, so that nothing in it can break a line."""
        body = {"type": type, "sequence_number": self._number, **fields}
        self._number += 1
        return b"event: %b\ndata: %b\n\n" % (type.encode("ascii"), write_ascii(body))

    # --- whole --------------------------------------------------------------------------------------------------------

    def whole(self, result: RunResult, block: dict[str, Any]) -> dict[str, Any]:
        draft, run = result.answer, self._head.run_id
        assert draft is not None
        output: list[dict[str, Any]] = []
        if self._findings is not None:
            for event in result.events:
                _ = [*self._findings.tell(event)]
            if not self._findings.empty:
                found = self._findings.result()
                output.append({"id": f"fus_{run}_0", "type": FUSION, "status": _state_of(found), **found})
        if draft.text:
            message = {"type": "message", "role": "assistant", "status": "completed"}
            parts = _parts(draft.text, draft.refusal)
            output.append({"id": f"msg_{run}_{len(output)}", **message, "content": parts})
        for call in draft.tool_calls:
            item = self._call_body(call.id, call.name, call.arguments)
            output.append({"id": f"{PREFIXES[item['type']]}_{run}_{len(output)}", "status": "completed", **item})
        state, why = _status(draft)
        return self._response(state, output, incomplete_details=why, usage=self._counted(result), fusion=block)

    def _call_body(self, call_id: str, flat: str, arguments: str) -> dict[str, Any]:
        origin = self._names.origin(flat)
        if origin.custom:
            text = free_text(arguments)
            return {"type": "custom_tool_call", "call_id": call_id, "name": origin.name, "input": text}
        space = {"namespace": origin.space} if origin.space else {}
        return {"type": "function_call", "call_id": call_id, "name": origin.name, **space, "arguments": arguments}

    def _response(self, status: str, output: Sequence[dict[str, Any]] = (), **more: Any) -> dict[str, Any]:
        return {
            "id": f"resp_{self._head.run_id}",
            "object": "response",
            "created_at": self._head.created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": self._head.model,
            "output": list(output),
            "usage": None,
            **self._echo,
            **more,
        }

    def _counted(self, result: RunResult) -> dict[str, Any]:
        return counted(scoped_usage(result, final=self._head.final))


def counted(used: Usage) -> dict[str, Any]:
    """Tokens in this wire's words."""
    return {
        "input_tokens": used.prompt_tokens,
        "input_tokens_details": {"cached_tokens": used.cached_tokens},
        "output_tokens": used.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
        "total_tokens": used.total_tokens,
    }


def _state_of(found: Mapping[str, Any]) -> str:
    """Of a fusion's item."""
    return "incomplete" if found["error"] else "completed"


def _parts(text: str, refusal: str = "") -> list[dict[str, Any]]:
    """The content of a message."""
    said = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return [said, {"type": "refusal", "refusal": refusal}] if refusal else [said]


def _status(draft: Draft) -> tuple[str, dict[str, str] | None]:
    if draft.finish_reason == "length":
        return "incomplete", {"reason": "max_output_tokens"}
    if draft.finish_reason == "content_filter":
        return "incomplete", {"reason": "content_filter"}
    return "completed", None
