"""The result of a run: folds over its events, made after it ended. Nothing here is counted while it runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from fusion_graph.engine.degraded import DegradedEntry
from fusion_graph.engine.estimates import NOTHING
from fusion_graph.errors import RunFailed
from fusion_graph.events import (
    CallFailed,
    CallFinished,
    CallRecalled,
    CallStarted,
    Event,
    NodeFinished,
    NodeSkipped,
    NodeStarted,
    RunFinished,
    Trace,
)
from fusion_graph.graph.binding import Bound
from fusion_graph.messages import Usage
from fusion_graph.outputs import Analysis, Draft, State, drafts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReport:
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
    def nodes(self) -> tuple[NodeReport, ...]:
        return node_reports(self.bound, self.events)

    @cached_property
    def usage(self) -> Usage:
        """Tokens of all attempts, also failed and cancelled ones."""
        return total_usage(self.events)

    @cached_property
    def cost_usd(self) -> float | None:
        """Dollars of all attempts; None when one of them has no known price."""
        return total_cost(e.cost_usd for e in self.events if isinstance(e, CallFinished | CallFailed))

    @cached_property
    def useful(self) -> Spending:
        """Attempts that gave a usable reply."""
        return spending(e for e in self.events if isinstance(e, CallFinished))

    @cached_property
    def wasted(self) -> Spending:
        """Attempts that failed, were cancelled or cut, or whose reply was of no use."""
        return spending(e for e in self.events if isinstance(e, CallFailed))

    @cached_property
    def timing_s(self) -> dict[str, float]:
        """Wall seconds per role, from its first start to its last end, and `total`."""
        spans: dict[str, tuple[float, float]] = {}
        for node in self.nodes:
            if node.model and node.started_s is not None and node.seconds is not None:
                begin, end = spans.get(node.role, (node.started_s, 0.0))
                spans[node.role] = min(begin, node.started_s), max(end, node.started_s + node.seconds)
        total = next((e.at for e in reversed(self.events) if isinstance(e, RunFinished)), 0.0)
        return {role: end - begin for role, (begin, end) in spans.items()} | {"total": total}

    @cached_property
    def simulated(self) -> bool:
        return any(isinstance(e, CallFinished | CallRecalled) and e.completion.simulated for e in self.events)

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


def spending(events: Iterable[CallFinished | CallFailed]) -> Spending:
    found = list(events)
    return Spending(attempts=len(found), usage=total_usage(found), cost_usd=total_cost(e.cost_usd for e in found))


def total_usage(events: Iterable[Event]) -> Usage:
    used = [e.usage for e in events if isinstance(e, CallFinished | CallFailed)]
    return Usage(
        prompt_tokens=sum(u.prompt_tokens for u in used),
        completion_tokens=sum(u.completion_tokens for u in used),
        reasoning_tokens=sum(u.reasoning_tokens for u in used),
        cached_tokens=sum(u.cached_tokens for u in used),
        estimated=any(u.estimated for u in used),
    )


def total_cost(costs: Iterable[float | None]) -> float | None:
    """The sum, None as soon as one part is unknown."""
    total = 0.0
    for cost in costs:
        if cost is None:
            return None
        total += cost
    return total


def node_reports(bound: Bound, events: Sequence[Event]) -> tuple[NodeReport, ...]:
    """One report per node, in file order."""
    by_node: dict[str, list[Event]] = {node.id: [] for node in bound.nodes}
    for event in events:
        if isinstance(event, NodeStarted | NodeFinished | NodeSkipped | CallStarted | CallFinished | CallFailed):
            by_node[event.node].append(event)
    return tuple(_node_report(bound, i, by_node[node.id]) for i, node in enumerate(bound.nodes))


def _node_report(bound: Bound, i: int, events: Sequence[Event]) -> NodeReport:
    node = bound.nodes[i]
    ends = [e for e in events if isinstance(e, NodeFinished)]
    begin = next((e.at for e in events if isinstance(e, NodeStarted)), None)
    answered = [e for e in events if isinstance(e, CallFinished | CallFailed)]
    attempts = [e for e in events if isinstance(e, CallStarted)]
    return NodeReport(
        id=node.id,
        kind=node.kind,
        role=bound.kinds[i].role,
        model=next(
            (e.model for e in reversed(events) if isinstance(e, CallFinished)),
            str(node.model.model) if node.model else "",
        ),
        state=ends[-1].state if ends else "skipped",
        reason=ends[-1].reason if ends else _skip_reason(events),
        detail=ends[-1].detail if ends else "",
        started_s=begin,
        seconds=ends[-1].at - begin if ends and begin is not None else None,
        calls=len({e.call for e in attempts}),
        attempts=len(attempts),
        usage=total_usage(answered),
        cost_usd=total_cost(e.cost_usd for e in answered),
    )


def _skip_reason(events: Sequence[Event]) -> str:
    return next((e.reason for e in events if isinstance(e, NodeSkipped)), "not_needed")
