"""proposer: one model answers, from the conversation alone or with drafts to improve on (Mixture-of-Agents)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from fusion_graph.contracts import Calls, Kind
from fusion_graph.kinds._texts import IMPROVE
from fusion_graph.kinds._writing import write


@dataclass(frozen=True, slots=True)
class Proposer:
    """A proposer has no options of its own."""


OPTIONS = Proposer()


KIND = Kind(
    name="proposer",
    summary="One model answers; shown drafts, it improves on them.",
    role="panel",
    uses_tools=True,
    takes=frozenset({"draft", "drafts", "vote"}),
    gives=lambda _options: "draft",
    required=("model",),
    parse=lambda _options: OPTIONS,
    calls=lambda _node, _drafts: Calls(1, 1),
    writes=True,
    presents=True,
    prompt=partial(write, own=IMPROVE),
)
