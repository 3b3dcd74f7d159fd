"""synth: writes the answer from the drafts, and from an analysis of them where there is one."""

from __future__ import annotations

from dataclasses import dataclass

from fusion_graph.contracts import Calls, Kind, NodeContext
from fusion_graph.kinds._texts import SYNTHESIZE
from fusion_graph.kinds._writing import require_drafts, write
from fusion_graph.messages import Message
from fusion_graph.outputs import drafts_of


@dataclass(frozen=True, slots=True)
class Synth:
    """A synth has no options of its own."""


OPTIONS = Synth()


def prompt(ctx: NodeContext) -> tuple[Message, ...]:
    if ctx.inputs:  # without any it answers the conversation alone, as in a turn after a tool result
        require_drafts(ctx, [draft for one in ctx.inputs for draft in drafts_of(one.value)])
    return write(ctx, SYNTHESIZE)


KIND = Kind(
    name="synth",
    summary="Writes one answer from the drafts and the analysis of them.",
    role="synth",
    takes=frozenset({"draft", "drafts", "vote", "analysis", "scores"}),
    gives=lambda _options: "draft",
    required=("model",),
    parse=lambda _options: OPTIONS,
    calls=lambda _node, _drafts: Calls(1, 1),
    writes=True,
    presents=True,
    needs_draft=True,
    prompt=prompt,
)
