"""What layer and sample share once they are joins: how they wait, and the fold that makes one list of drafts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fusion_graph.contracts import JsonSchema, NodeContext
from fusion_graph.kinds._present import unique_drafts
from fusion_graph.outputs import Drafts, Gives

TAKES: frozenset[Gives] = frozenset({"draft", "drafts", "vote"})

# A string may only be "all", a number must be 1 or more; two keywords that each look at one type give plainer messages
# than an anyOf.
QUORUM: JsonSchema = {
    "type": ["integer", "string"],
    "minimum": 1,
    "pattern": "^all$",
    "description": "Go on with so many usable members, fail below; all = every one. Absent: wait for all, need one.",
}
GRACE_S: JsonSchema = {
    "type": "number",
    "minimum": 0,
    "description": "Seconds to wait for stragglers once the quorum is met.",
}
SAMPLES: JsonSchema = {
    "type": "integer",
    "minimum": 1,
    "maximum": 1000,
    "description": "How many drafts each model writes.",
}
SPREAD: JsonSchema = {
    "type": ["number", "object"],
    "minimum": 0,
    "maximum": 2,
    "properties": {"jitter": {"type": "number", "minimum": 0, "maximum": 2}, "enabled": {"type": "boolean"}},
    "required": ["jitter"],
    "additionalProperties": False,
    "description": "Spreads temperatures evenly over temperature - spread .. temperature + spread, clamped to 0..2. "
    "As a map `{jitter, enabled}` a parameter can switch it off.",
}


def parse_quorum(options: Mapping[str, Any]) -> int | None:
    """None = wait for all, need one; 0 = every member; n = go on with n (the words of `WaitGroup`)."""
    quorum = options.get("quorum")
    return 0 if quorum == "all" else quorum


def join(ctx: NodeContext) -> Drafts:
    """The chosen members' drafts in member order, groups flattened, a draft that arrives twice once."""
    return Drafts(tuple(unique_drafts(ctx.inputs)))
