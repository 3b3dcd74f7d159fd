"""What a run must do at least, and what it can be made to do at most, read from the plan alone. Pure.

Sets of nodes are bit masks: a node's bit is `1 << index`. Nothing is assumed to fail; a `when` that reads a node may go
either way, one that reads only parameters is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fusion_graph.contracts import WaitFirst, WaitGroup
from fusion_graph.graph.conditions import holds
from fusion_graph.graph.forecast.masks import bits, union, union_all
from fusion_graph.graph.plan import Plan
from fusion_graph.pipeline import AnyOf, Comparison, Condition, FieldRef, Param


def decided(condition: Condition | None, plan: Plan) -> bool | None:
    """Whether a `when` holds, as far as the parameters tell; None when it depends on what nodes give."""
    if condition is None:
        return True
    answers = [_test(test, plan) for test in condition.tests]
    return False if False in answers else None if None in answers else True


def _test(test: Comparison | AnyOf, plan: Plan) -> bool | None:
    if isinstance(test, AnyOf):
        answers = [decided(c, plan) for c in test.conditions]
        return True if True in answers else None if None in answers else False
    if isinstance(test.subject, Param):
        return holds(Condition((test,)), lambda _node: None, plan.params)
    return None


def reachable(plan: Plan) -> tuple[int, ...]:
    """The nodes the output may come to demand, in file order; a node whose `when` is decided against demands no
    inputs."""
    seen: set[int] = set()
    stack = [plan.output]
    while stack:
        i = stack.pop()
        if i not in seen:
            seen.add(i)
            stack += plan.before[i]
            if decided(plan.conditions[i], plan) is not False:
                stack += plan.sources[i]
    return tuple(sorted(seen))


class Least:
    """The cheapest way for each node to end with a value, and to end skipped; None where there is no such way."""

    def __init__(self, plan: Plan, weights: Sequence[int]) -> None:
        """`weights`: least calls of one execution, by node index."""
        self.plan, self.weights, self._index = plan, weights, plan.index
        self.value: list[int | None] = [None] * len(plan.ids)
        self.skip: list[int | None] = [None] * len(plan.ids)
        for i in plan.order:
            self._weigh(i)

    def nodes(self) -> frozenset[int]:
        """The nodes of the cheapest run that gives an answer."""
        way = self.value[self.plan.output]
        return frozenset(bits(self._settle(self.plan.output) if way is None else way))

    def can_run(self, i: int) -> bool:
        """False when no run with these parameters lets the node have a value."""
        return self.value[i] is not None

    def _weigh(self, i: int) -> None:
        plan, condition = self.plan, self.plan.conditions[i]
        before = union(self._settle(j) for j in plan.before[i])
        read = union_all(self.value[j] for j in self._must_read(condition))
        holds_now = decided(condition, plan)
        if holds_now is False or read is None:
            self.skip[i] = before
            return
        wait = plan.waits[i]
        if isinstance(wait, WaitFirst):
            value, skip = self._options(i)
        elif isinstance(wait, WaitGroup):
            value, skip = self._members(i, wait)
        else:
            value, skip = self._inputs(i)
        self.value[i] = None if value is None else before | read | value | 1 << i
        ways = [] if skip is None else [before | skip]
        self.skip[i] = self._cheapest([*ways, before] if holds_now is None else ways)

    def _must_read(self, condition: Condition | None) -> Iterator[int]:
        """Nodes without whose value the condition cannot hold."""
        for test in condition.tests if condition else ():
            if isinstance(test, Comparison) and isinstance(test.subject, FieldRef):
                yield self._index[test.subject.node]

    def _inputs(self, i: int) -> tuple[int | None, int | None]:
        required = self.plan.required[i]
        ways = [self.value[s] if s in required else self._settle(s) for s in self.plan.sources[i]]
        skips = [way for s in self.plan.sources[i] if s in required and (way := self.skip[s]) is not None]
        return union_all(ways), self._cheapest(skips)

    def _members(self, i: int, wait: WaitGroup) -> tuple[int | None, int | None]:
        """All members are asked, of a sample with `stop` the first window; enough of them must have a value."""
        members = self.plan.sources[i]
        asked = members[: wait.window or wait.agree] if wait.agree else members
        sure = [s for s in asked if self.skip[s] is None]
        missing = max(0, (wait.quorum or 1) - len(sure))
        spare = [s for s in members if s not in sure and self.value[s] is not None][:missing]
        value = union([*map(self._settle, asked), *(self.value[s] or 0 for s in spare)])
        return None if len(spare) < missing else value, union_all(self.skip[s] for s in members)

    def _options(self, i: int) -> tuple[int | None, int | None]:
        """The first option, or where it may be skipped the next; scores are asked for with the first group."""
        plan, gone, ways = self.plan, 0, list[int]()
        aids = union(self._settle(a) for a in plan.aids[i])
        for option in (s for s in plan.sources[i] if s not in plan.aids[i]):
            gone |= aids if plan.groups[option] else 0
            way, skip = self.value[option], self.skip[option]
            if way is not None:
                ways.append(gone | way)
            if skip is None:
                return self._cheapest(ways), None
            gone |= skip
        return self._cheapest(ways), gone

    def _settle(self, i: int) -> int:
        return self._cheapest(way for way in (self.value[i], self.skip[i]) if way is not None) or 0

    def _cheapest(self, ways: Iterable[int]) -> int | None:
        found = list(ways)
        if len(found) < 2:
            return found[0] if found else None
        return min(found, key=lambda way: sum(self.weights[i] for i in bits(way)))
