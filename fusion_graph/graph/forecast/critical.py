"""The critical path: the chain of calls that holds the answer up when every call takes as long as it may. Pure.

It plays the plan through with worst-case seconds: every option of a fallback is tried, one after the other; every
window of a sample is drawn; nothing waits for a free place under a concurrency cap.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from fusion_graph.contracts import WaitFirst, WaitGroup
from fusion_graph.graph.forecast.least import decided
from fusion_graph.graph.plan import Plan


class CriticalPath(NamedTuple):
    """Node indexes from the first to the last, and when the last one ends."""

    nodes: tuple[int, ...]
    seconds: float


def critical_path(plan: Plan, seconds: Sequence[float]) -> CriticalPath:
    """`seconds`: the most each node takes once it has started, by index."""
    play = _Play(plan, seconds)
    play.demand([plan.output], 0.0, -1)
    while play.heap:
        t, i = heappop(play.heap)
        play.settled(i, t)
    chain, i = [], plan.output
    while i >= 0:
        chain.append(i)
        i = play.cause[i]
    return CriticalPath(tuple(reversed(chain)), play.ends.get(plan.output, 0.0))


class _Play:
    """One run in worst-case time. `cause`: the node whose end let a node start; -1 = nothing held it up."""

    def __init__(self, plan: Plan, seconds: Sequence[float]) -> None:
        size = len(plan.ids)
        self.plan, self.seconds = plan, seconds
        self.heap: list[tuple[float, int]] = []
        self.ends: dict[int, float] = {}
        self.cause = [-1] * size
        self._caused_at = [0.0] * size
        self._stages: list[Sequence[Sequence[int]] | None] = [None] * size
        self._stage = [0] * size
        self._pending = [0] * size
        self._waiters: list[list[int]] = [[] for _ in range(size)]

    def demand(self, nodes: Sequence[int], t: float, cause: int) -> None:
        """Ask for nodes at t, and for all they ask for at once."""
        stack = [(i, cause) for i in reversed(nodes)]
        while stack:
            i, because = stack.pop()
            if self._stages[i] is None:
                self._stages[i] = _stages(self.plan, i)
                self.cause[i], self._caused_at[i] = because, t
                stack += [(s, because) for s in reversed(self._advance(i, t))]

    def settled(self, i: int, t: float) -> None:
        self.ends[i] = t
        for waiter in self._waiters[i]:
            if t > self._caused_at[waiter] or self.cause[waiter] < 0:
                self.cause[waiter], self._caused_at[waiter] = i, t
            self._pending[waiter] -= 1
            if not self._pending[waiter]:
                self.demand(self._advance(waiter, t), t, self.cause[waiter])

    def _advance(self, i: int, t: float) -> list[int]:
        """Enter the next stage that has something to wait for; give the nodes that were not asked for yet."""
        stages = self._stages[i] or ()
        while self._stage[i] < len(stages):
            open_ones = [s for s in stages[self._stage[i]] if s not in self.ends]
            self._stage[i] += 1
            if open_ones:
                self._pending[i] = len(open_ones)
                for s in open_ones:
                    self._waiters[s].append(i)
                return [s for s in open_ones if self._stages[s] is None]
        heappush(self.heap, (t + self.seconds[i] + _lag(self.plan, i), i))
        return []


def _lag(plan: Plan, i: int) -> float:
    """Hedged options run side by side; the last one begins this much after the first."""
    wait = plan.waits[i]
    return (
        wait.hedge_after_s * (len(plan.sources[i]) - 1) if isinstance(wait, WaitFirst) and wait.hedge_after_s else 0.0
    )


def _stages(plan: Plan, i: int) -> list[Sequence[int]]:
    """What node i asks for, stage by stage (semantics 1)."""
    stages: list[Sequence[int]] = [plan.before[i]]
    wait, sources = plan.waits[i], plan.sources[i]
    if decided(plan.conditions[i], plan) is False:
        return stages
    if isinstance(wait, WaitFirst) and wait.hedge_after_s is None:
        options = [s for s in sources if s not in plan.aids[i]]
        first_group = next((o for o in options if plan.groups[o]), -1)
        return [*stages, *((o, *(plan.aids[i] if o == first_group else ())) for o in options)]
    if isinstance(wait, WaitGroup) and wait.agree:
        window = wait.window or wait.agree
        return [*stages, *(sources[n : n + window] for n in range(0, len(sources), window))]
    return [*stages, sources]
