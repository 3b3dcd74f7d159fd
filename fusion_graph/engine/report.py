"""The result of a run: folds over its events, made after it ended. Nothing here is counted while it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from fusion_graph.engine.degraded import DegradedEntry
from fusion_graph.engine.estimates import NOTHING
from fusion_graph.engine.tally import Bill, NodeTally, Tally
from fusion_graph.errors import RunFailed
from fusion_graph.events import CallFailed, CallFinished, Event, NodeFinished, Trace
from fusion_graph.graph.binding import Bound
from fusion_graph.messages import Usage
from fusion_graph.outputs import Analysis, Draft, State, drafts_of

if TYPE_CHECKING:
    from fusion_graph.contracts import Kind
    from fusion_graph.pipeline import Node


class NodeReport(NamedTuple):
    """How one node went. `seconds` is None for nodes that never began; `cost_usd` None when a price is unknown."""

    id: str
    kind: str
    role: str
    model: str
    state: State
    reason: str = ""
    detail: str = ""
    started_s: float | None = None
    seconds: float | None = None
    calls: int = 0
    attempts: int = 0
    usage: Usage = NOTHING
    cost_usd: float | None = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Tokens and dollars of some attempts. `usage.estimated`: at least one of them is an estimate; `cost_usd` None: a
    price is unknown."""

    attempts: int
    usage: Usage
    cost_usd: float | None


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """What came of a run. `answer` is None exactly when `error` is there; `choices` holds all n texts."""

    run_id: str
    bound: Bound = field(repr=False)
    trace: Trace = field(repr=False)
    degraded: tuple[DegradedEntry, ...] = ()
    answer: Draft | None = None
    choices: tuple[Draft, ...] = ()
    error: RunFailed | None = None

    @cached_property
    def events(self) -> tuple[Event, ...]:
        return tuple(self.trace.events)

    @property
    def pipeline(self) -> str:
        return self.bound.pipeline.name

    @property
    def state(self) -> str:
        return "failed" if self.error else "degraded" if self.degraded else "ok"

    @property
    def text(self) -> str:
        """The answer's text. Raises the run's error when there is none."""
        if self.answer is None:
            assert self.error is not None
            raise self.error
        return self.answer.text

    @cached_property
    def tally(self) -> Tally:
        return Tally(self.bound, self.trace)

    @cached_property
    def nodes(self) -> tuple[NodeReport, ...]:
        return node_reports(self.bound, self.tally)

    @cached_property
    def usage(self) -> Usage:
        """Tokens of all attempts, also failed and cancelled ones."""
        return self.tally.bill.usage

    @property
    def cost_usd(self) -> float | None:
        """Dollars of all attempts; None when one of them has no known price."""
        return self.tally.bill.cost_usd

    @cached_property
    def _split(self) -> tuple[Spending, Spending]:
        attempts = (e for e in self.events if isinstance(e, CallFinished | CallFailed))
        return split((isinstance(e, CallFinished), e.usage, e.cost_usd) for e in attempts)

    @property
    def useful(self) -> Spending:
        """Attempts that gave a usable reply."""
        return self._split[0]

    @property
    def wasted(self) -> Spending:
        """Attempts that failed, were cancelled or cut, or whose reply was of no use."""
        return self._split[1]

    @cached_property
    def timing_s(self) -> dict[str, float]:
        """Wall seconds per role, from its first start to its last end, and `total`."""
        spans: dict[str, tuple[float, float]] = {}
        for node in self.nodes:
            if node.model and node.started_s is not None and node.seconds is not None:
                begin, end = spans.get(node.role, (node.started_s, 0.0))
                spans[node.role] = min(begin, node.started_s), max(end, node.started_s + node.seconds)
        return {role: end - begin for role, (begin, end) in spans.items()} | {"total": self.tally.total_s}

    @property
    def simulated(self) -> bool:
        return self.tally.simulated

    @cached_property
    def drafts(self) -> tuple[Draft, ...]:
        """Every draft a node wrote, in file order."""
        values = {e.node: e.value for e in self.events if isinstance(e, NodeFinished) and e.value is not None}
        writers = [self.bound.nodes[i].id for i in self.bound.drafters]
        return tuple(d for w in writers for d in drafts_of(values.get(w)))

    @cached_property
    def analysis(self) -> Analysis | None:
        """The last analysis a judge gave."""
        found = [e.value for e in self.events if isinstance(e, NodeFinished) and isinstance(e.value, Analysis)]
        return found[-1] if found else None


def split(attempts: Iterable[tuple[bool, Usage, float | None]]) -> tuple[Spending, Spending]:
    """What useful attempts took, and wasted ones; each comes with whether its reply was of use, its tokens and its
    dollars."""
    bills, counts = {True: Bill(), False: Bill()}, Counter[bool]()
    for used, usage, cost_usd in attempts:
        bills[used].add(usage, cost_usd)
        counts[used] += 1
    useful, wasted = (
        Spending(attempts=counts[which], usage=bill.usage, cost_usd=bill.cost_usd) for which, bill in bills.items()
    )
    return useful, wasted


def total_cost(costs: Iterable[float | None]) -> float | None:
    """The sum, None as soon as one part is unknown."""
    total = 0.0
    for cost in costs:
        if cost is None:
            return None
        total += cost
    return total


def node_reports(bound: Bound, tally: Tally) -> tuple[NodeReport, ...]:
    """One report per node, in file order."""
    return tuple(
        _node_report(node, kind, tally.nodes[node.id]) for node, kind in zip(bound.nodes, bound.kinds, strict=True)
    )


def _node_report(node: Node, kind: Kind, went: NodeTally) -> NodeReport:
    begin, end = went.started_s, went.ended_s
    return NodeReport(
        id=node.id,
        kind=node.kind,
        role=kind.role,
        model=went.model or (str(node.model.model) if node.model else ""),
        state=went.state,
        reason=went.reason,
        detail=went.detail,
        started_s=begin,
        seconds=None if begin is None or end is None else end - begin,
        calls=len(went.calls),
        attempts=went.attempts,
        usage=went.bill.usage if went.attempts else NOTHING,
        cost_usd=went.bill.cost_usd,
    )
