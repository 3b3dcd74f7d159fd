"""The plan of a bound pipeline: who reads whom, and how each node waits. Immutable, shared by all its runs.

`graph/progress` moves through it. Both know no clock, task, network or kind; the rules are semantics sections 1, 2
and 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from fusion_graph.contracts import Wait, WaitFirst, WaitGroup
from fusion_graph.pipeline import Condition

IDLE: Final = 0
WAITING: Final = 1
RUNNING: Final = 2
DONE: Final = 3
"""The phases of a node: not demanded, demanded and waiting, started, settled."""

CLOSINGS = frozenset({"deadline", "budget"})
"""Why a run stops waiting, and the reason of whatever that ended."""


class Timer(NamedTuple):
    """What a run's plan asks to be woken by: the grace of a group, or the hedge of a fallback after one option."""

    kind: Literal["grace", "hedge"]
    node: int
    option: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything by node index, in file order. `sources` are the data inputs; `required` the ones without `?`;
    `before` the nodes a `when` or `after` names; `aids` a fallback's analysis and score inputs, which are not
    options. What follows from the others stands here too, as each run reads it."""

    ids: tuple[str, ...]
    index: Mapping[str, int]  # by node id
    sources: tuple[tuple[int, ...], ...]
    required: tuple[frozenset[int], ...]
    before: tuple[tuple[int, ...], ...]
    conditions: tuple[Condition | None, ...]
    waits: tuple[Wait, ...]
    group_waits: tuple[WaitGroup | None, ...]  # the waits that are groups
    first_waits: tuple[WaitFirst | None, ...]  # the waits that are fallbacks
    patient: tuple[bool, ...]  # an input with a value decides nothing while others are pending
    aids: tuple[tuple[int, ...], ...]
    options: tuple[tuple[int, ...], ...]  # a fallback's options in order of preference: its sources without its aids
    backups: tuple[int, ...]  # -1: none
    consumers: tuple[tuple[int, ...], ...]  # who may demand a node, at whatever stage
    draft_sources: tuple[tuple[int, ...] | None, ...]  # of nodes that need a draft: the inputs that may bring one
    calls: tuple[bool, ...]  # the node calls a model
    groups: tuple[bool, ...]  # the node gives drafts
    writers: frozenset[int]  # W(output)
    hedged: frozenset[int]  # options whose start begins a hedge timer
    order: tuple[int, ...]  # topological
    output: int
    params: Mapping[str, Any]
