"""The result of a run: folds over its events, made after it ended. Nothing here is counted while it runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from fusion_graph.engine.degraded import DegradedEntry
from fusion_graph.engine.tally import NodeReport, Tally
from fusion_graph.errors import RunFailed
from fusion_graph.events import CallFailed, CallFinished, Event, NodeFinished, Trace
from fusion_graph.graph.bound import Bound
from fusion_graph.lazy import Lazy
from fusion_graph.messages import Usage, total_cost, total_usage
from fusion_graph.outputs import Analysis, Draft, drafts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Tokens and dollars of some attempts. `usage.estimated`: at least one of them is an estimate; `cost_usd` None: a
    price is unknown."""

    attempts: int
    usage: Usage
    cost_usd: float | None


@dataclass(eq=False, kw_only=True)
class RunResult:
    """What came of a run. `answer` is None exactly when `error` is there; `choices` holds all n texts. Nobody changes
    it: it is not frozen, as each run makes one and a frozen one costs several times as much to make."""

    run_id: str
    bound: Bound = field(repr=False)
    trace: Trace = field(repr=False)
    degraded: tuple[DegradedEntry, ...] = ()
    answer: Draft | None = None
    choices: tuple[Draft, ...] = ()
    error: RunFailed | None = None

    @Lazy
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

    @Lazy
    def tally(self) -> Tally:
        return Tally(self.bound, self.trace)

    @property
    def nodes(self) -> tuple[NodeReport, ...]:
        """How each node went, in file order."""
        return self.tally.nodes

    @property
    def usage(self) -> Usage:
        """Tokens of all attempts, also failed and cancelled ones."""
        return self.tally.usage

    @property
    def cost_usd(self) -> float | None:
        """Dollars of all attempts; None when one of them has no known price."""
        return self.tally.cost_usd

    @Lazy
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

    @property
    def timing_s(self) -> dict[str, float]:
        """Wall seconds per role, from its first start to its last end, and `total`."""
        return self.tally.timing_s

    @property
    def simulated(self) -> bool:
        return self.tally.simulated

    @Lazy
    def drafts(self) -> tuple[Draft, ...]:
        """Every draft a node wrote, in file order."""
        values = {e.node: e.value for e in self.events if isinstance(e, NodeFinished) and e.value is not None}
        writers = [self.bound.nodes[i].id for i in self.bound.drafters]
        return tuple(d for w in writers for d in drafts_of(values.get(w)))

    @Lazy
    def analysis(self) -> Analysis | None:
        """The last analysis a judge gave."""
        found = [e.value for e in self.events if isinstance(e, NodeFinished) and isinstance(e.value, Analysis)]
        return found[-1] if found else None


def split(attempts: Iterable[tuple[bool, Usage, float | None]]) -> tuple[Spending, Spending]:
    """What useful attempts took, and wasted ones; each comes with whether its reply was of use, its tokens and its
    dollars."""
    parts: dict[bool, tuple[list[Usage], list[float | None]]] = {True: ([], []), False: ([], [])}
    for used, usage, cost_usd in attempts:
        usages, costs = parts[used]
        usages.append(usage)
        costs.append(cost_usd)
    useful, wasted = (
        Spending(attempts=len(usages), usage=total_usage(usages), cost_usd=total_cost(costs))
        for usages, costs in parts.values()
    )
    return useful, wasted
