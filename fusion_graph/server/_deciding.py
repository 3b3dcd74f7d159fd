"""`convene: auto`: the final writer is asked first, alone, and may call for the panel (wire contract 2). Where it does,
the whole graph runs; where it answers, that is the answer. Both runs are one for whoever reads, pays and waits."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from fusion_graph.engine.degraded import DegradedEntry
from fusion_graph.events import Event, Listener, TextDelta, ToolDelta, Trace
from fusion_graph.messages import Sampling, ToolCallDelta
from fusion_graph.toolbox import RESERVED

if TYPE_CHECKING:
    from fusion_graph.engine.fusion import Fusion
    from fusion_graph.engine.report import RunResult
    from fusion_graph.engine.request import RunRequest
    from fusion_graph.graph.bound import Bound
    from fusion_graph.outputs import Draft
    from fusion_graph.pipeline import Limits
    from fusion_graph.server._wires.asked import Asked

NAME = f"{RESERVED}convene"
"""No tool of a client is called so: the prefix is the server's."""
TOOL: Mapping[str, Any] = {
    "type": "function",
    "function": {
        "name": NAME,
        "description": (
            "Have several other models draft an answer to this conversation, and compare them, before you write yours."
            " Call it at once, without any text, when a question is hard, contested or costly to get wrong;"
            " else answer yourself."
        ),
        "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
    },
}
FREE = (None, "auto", "none")
"""Of `tool_choice`: no call of a tool is demanded."""
FINAL = frozenset({"deadline", "budget"})
"""Ends of a first run after which there is nothing left for a second one."""


class First(NamedTuple):
    """What the writer is asked before anybody else."""

    bound: Bound
    writer: Sampling


def first_of(bound: Bound, asked: Asked) -> First | None:
    """None where nothing is left to decide: the pipeline always convenes, the request demands a panel or a tool call,
    or wants several texts."""
    if bound.pipeline.convene != "auto" or asked.convening is not None or asked.n > 1:
        return None
    alone, writer = bound.tool_turn, asked.writer or Sampling()
    if alone is None or writer.tool_choice not in FREE:
        return None
    own = () if writer.tool_choice == "none" else writer.tools
    return First(alone, writer._replace(tools=(*own, TOOL), tool_choice="auto"))


def run(
    fusion: Fusion, first: First | None, bound: Bound, request: RunRequest, listener: Listener | None
) -> Coroutine[Any, Any, RunResult]:
    """As `fusion.run`, with the writer's word before it where there is one to ask."""
    return fusion.run(bound, request, listener) if first is None else _decide(fusion, first, bound, request, listener)


async def _decide(
    fusion: Fusion, first: First, bound: Bound, request: RunRequest, listener: Listener | None
) -> RunResult:
    ear = _Ear(listener)
    asked = replace(request, writer=first.writer)
    decided = await fusion.run(first.bound, asked, ear if listener or request.stream else None)
    if decided.error is None and not _convenes(decided, ear):
        return _answered(decided)
    if decided.error is not None and (ear.spoke or decided.error.reason in FINAL):
        return decided
    rest = replace(request, limits=_left(request.limits, decided))
    return _joined(decided, await fusion.run(bound, rest, listener))


class _Ear:
    """Listens to the first run. Text passes on; the call for the panel does not, and nothing behind it."""

    def __init__(self, listener: Listener | None) -> None:
        self._listener = listener or (lambda _event: None)
        self._blank: list[Event] = []
        self._places: dict[int, int] = {}
        self._calling: int | None = None
        self.spoke = False
        self.convenes = False

    def __call__(self, event: Event) -> None:
        if isinstance(event, TextDelta):
            self._hear_text(event)
        elif isinstance(event, ToolDelta):
            self._hear_calls(event)
        else:
            self._listener(event)

    def _hear_text(self, event: TextDelta) -> None:
        if self.convenes:
            return
        self._blank.append(event)
        if self.spoke or event.text.strip():
            self._speak()

    def _hear_calls(self, event: ToolDelta) -> None:
        own = [piece for piece in event.pieces if not self._is_call_for_panel(piece)]
        if len(own) < len(event.pieces) and not self.spoke:
            self.convenes = True
        if own and not self.convenes:
            self._speak()
            placed = (replace(p, index=self._places.setdefault(p.index, len(self._places))) for p in own)
            self._listener(event._replace(pieces=tuple(placed)))

    def _is_call_for_panel(self, piece: ToolCallDelta) -> bool:
        if piece.name == NAME:
            self._calling = piece.index
        return piece.index == self._calling

    def _speak(self) -> None:
        self.spoke = True
        for event in self._blank:
            self._listener(event)
        self._blank = []


def _convenes(decided: RunResult, ear: _Ear) -> bool:
    """What was streamed counts; else what the answer says: a call for the panel before anything else."""
    answer = decided.answer
    if ear.spoke or ear.convenes or answer is None:
        return ear.convenes
    return bool(answer.tool_calls) and answer.tool_calls[0].name == NAME and not answer.text.strip()


def _answered(decided: RunResult) -> RunResult:
    """A call for the panel that came too late is nobody's."""

    def plain(draft: Draft) -> Draft:
        kept = tuple(call for call in draft.tool_calls if call.name != NAME)
        return draft if len(kept) == len(draft.tool_calls) else replace(draft, tool_calls=kept)

    assert decided.answer is not None
    return replace(decided, answer=plain(decided.answer), choices=tuple(plain(c) for c in decided.choices))


def _left(limits: Limits | None, decided: RunResult) -> Limits | None:
    """What the first run has left of the limits."""
    if limits is None:
        return None
    calls = sum(node.attempts for node in decided.nodes)
    spent, tokens, seconds = decided.cost_usd or 0.0, decided.usage.total_tokens, decided.timing_s["total"]
    return replace(
        limits,
        deadline_s=None if limits.deadline_s is None else max(limits.deadline_s - seconds, 0.001),
        budget_usd=None if limits.budget_usd is None else max(limits.budget_usd - spent, 0.0),
        max_calls=None if limits.max_calls is None else max(limits.max_calls - calls, 0),
        max_tokens=None if limits.max_tokens is None else max(limits.max_tokens - tokens, 0),
    )


def _joined(decided: RunResult, fused: RunResult) -> RunResult:
    """The second run with what the first one cost and did, so that every sum is of both."""
    trace = Trace(decided.trace.began)
    trace.flat.extend(decided.trace.flat)
    trace.flat.extend(fused.trace.flat)
    degraded = fused.degraded
    if decided.error is not None:
        writer = next(node for node in decided.nodes if node.model)
        text, action = "the writer could not be asked alone first", "the panel was convened"
        entry = DegradedEntry(
            node=writer.id, role=writer.role, model=writer.model, reason=decided.error.reason, text=text, action=action
        )
        degraded = (entry, *degraded)
    return replace(fused, trace=trace, degraded=degraded)
