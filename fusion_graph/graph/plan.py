"""The plan of a bound pipeline: who reads whom, and how each node waits. Immutable, shared by all its runs.

`graph/progress` moves through it. Both know no clock, task, network or kind; the rules are semantics sections 1, 2
and 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

from fusion_graph.contracts import Wait, WaitAll, WaitFirst, WaitGroup
from fusion_graph.pipeline import Condition

IDLE, WAITING, RUNNING, DONE = range(4)
"""The phases of a node: not demanded, demanded and waiting, started, settled."""


class Timer(NamedTuple):
    """What a run's plan asks to be woken by: the grace of a group, or the hedge of a fallback after one option."""

    kind: Literal["grace", "hedge"]
    node: int
    option: int = -1


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything by node index, in file order. `sources` are the data inputs; `required` the ones without `?`;
    `before` the nodes a `when` or `after` names; `aids` a fallback's analysis and score inputs, which are not
    options."""

    ids: tuple[str, ...]
    sources: tuple[tuple[int, ...], ...]
    required: tuple[frozenset[int], ...]
    before: tuple[tuple[int, ...], ...]
    conditions: tuple[Condition | None, ...]
    waits: tuple[Wait, ...]
    aids: tuple[tuple[int, ...], ...]
    backups: tuple[int, ...]  # -1: none
    draft_sources: tuple[tuple[int, ...] | None, ...]  # of nodes that need a draft: the inputs that may bring one
    calls: tuple[bool, ...]  # the node calls a model
    groups: tuple[bool, ...]  # the node gives drafts
    writers: frozenset[int]  # W(output)
    hedged: frozenset[int]  # options whose start begins a hedge timer
    order: tuple[int, ...]  # topological
    output: int
    params: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Index by node id."""
        return {name: i for i, name in enumerate(self.ids)}

    @cached_property
    def group_waits(self) -> tuple[WaitGroup | None, ...]:
        """The waits that are groups, by index."""
        return tuple(wait if isinstance(wait, WaitGroup) else None for wait in self.waits)

    @cached_property
    def first_waits(self) -> tuple[WaitFirst | None, ...]:
        """The waits that are fallbacks, by index."""
        return tuple(wait if isinstance(wait, WaitFirst) else None for wait in self.waits)

    @cached_property
    def consumers(self) -> tuple[tuple[int, ...], ...]:
        """Who may demand a node, at whatever stage."""
        found: list[list[int]] = [[] for _ in self.ids]
        for c, named in enumerate(zip(self.sources, self.before, self.backups, strict=True)):
            for s in {*named[0], *named[1], named[2]} - {-1}:
                found[s].append(c)
        return tuple(tuple(consumers) for consumers in found)

    @cached_property
    def patient(self) -> tuple[bool, ...]:
        """Nodes for which an input with a value decides nothing while others are pending: all but fallbacks, quorums
        and joins that hold on to a backup."""
        return tuple(
            backup < 0 and (isinstance(wait, WaitAll) or (isinstance(wait, WaitGroup) and wait.quorum is None))
            for wait, backup in zip(self.waits, self.backups, strict=True)
        )

    @cached_property
    def options(self) -> tuple[tuple[int, ...], ...]:
        """A fallback's options in order of preference: its sources without its aids."""
        return tuple(
            tuple(s for s in sources if s not in aids) for sources, aids in zip(self.sources, self.aids, strict=True)
        )
