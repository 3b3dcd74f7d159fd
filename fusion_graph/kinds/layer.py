"""layer: several models answer side by side. Structural: at load it becomes plain nodes and this join of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fusion_graph.contracts import Calls, Kind, WaitGroup
from fusion_graph.kinds._groups import GRACE_S, QUORUM, SAMPLES, SPREAD, TAKES, join, parse_quorum
from fusion_graph.outputs import Gives
from fusion_graph.pipeline import NodeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """How the join waits; the other options are gone after expansion. `quorum` as in `WaitGroup`."""

    quorum: int | None = None
    grace_s: float = 0.0


def parse(options: Mapping[str, Any]) -> Layer:
    return Layer(quorum=parse_quorum(options), grace_s=options.get("grace_s") or 0.0)


def check(spec: NodeSpec, _gives: Mapping[str, Gives]) -> Sequence[tuple[str, str, str]]:
    found = []
    if ("models" in spec.options) == ("members" in spec.options):
        found.append(("FG305", "", "a layer has exactly one of `models` (new nodes) and `members` (existing ones)"))
    if "members" in spec.options:
        found += [
            ("FG116", f"/{key}", f"`{key}` makes new nodes, so it goes with `models`, not with `members`")
            for key in ("repeat", "samples", "spread")
            if key in spec.options
        ]
    return found


KIND = Kind(
    name="layer",
    summary="Several models answer side by side; gives their drafts as one list.",
    uses_tools=True,
    takes=TAKES,
    gives=lambda _options: "drafts",
    schema={
        "models": {
            "type": "array",
            "minItems": 1,
            "maxItems": 64,
            "items": {"type": ["string", "object"], "required": ["model"]},
            "description": "One proposer each: a slug, or an object with `model`, `key` and any model-call option.",
        },
        "members": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string"},
            "description": "Existing nodes or groups that this layer groups.",
        },
        "repeat": {
            "type": "integer",
            "minimum": 1,
            "maximum": 16,
            "description": "Depth: each further copy reads the drafts of the one before.",
        },
        "samples": SAMPLES,
        "spread": SPREAD,
        "quorum": QUORUM,
        "grace_s": GRACE_S,
    },
    parse=parse,
    calls_model=lambda _options: False,
    wait=lambda options: WaitGroup(quorum=options.quorum, grace_s=options.grace_s),
    calls=lambda _node, _drafts: Calls(0, 0),
    structural=True,
    fold=join,
    check=check,
)
