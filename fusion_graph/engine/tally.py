"""One pass over what happened in a run: all that its report, its metrics and its bill add up. No event is made for
it, as most runs have nobody who looks at events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from fusion_graph.engine.estimates import NOTHING
from fusion_graph.events import (
    CallFailed,
    CallFinished,
    CallRecalled,
    CallStarted,
    Event,
    FirstToken,
    NodeFinished,
    NodeSkipped,
    NodeStarted,
    RunFinished,
    Trace,
)
from fusion_graph.messages import Usage
from fusion_graph.outputs import State

if TYPE_CHECKING:
    from fusion_graph.contracts import Kind
    from fusion_graph.graph.binding import Bound
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


class Bill:
    """What attempts used and cost, also failed and cancelled ones. `cost_usd` is None as soon as one price is
    unknown."""

    __slots__ = ("_usages", "cost_usd")

    def __init__(self) -> None:
        self._usages: list[Usage] = []
        self.cost_usd: float | None = 0.0

    def add(self, usage: Usage, cost_usd: float | None) -> None:
        self._usages.append(usage)
        self.cost_usd = None if cost_usd is None or self.cost_usd is None else self.cost_usd + cost_usd

    @property
    def usage(self) -> Usage:
        """Tokens alone: what backends say of their prices is in the cost."""
        if not self._usages:
            return NOTHING
        if len(self._usages) == 1 and self._usages[0].cost_usd is None:
            return self._usages[0]
        return _total(self._usages)


def _total(usages: Iterable[Usage]) -> Usage:
    prompt = completion = reasoning = cached = 0
    estimated = False
    for usage in usages:
        prompt += usage.prompt_tokens
        completion += usage.completion_tokens
        reasoning += usage.reasoning_tokens
        cached += usage.cached_tokens
        estimated = estimated or usage.estimated
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        reasoning_tokens=reasoning,
        cached_tokens=cached,
        estimated=estimated,
    )


class NodeTally:
    """One node so far. Times are seconds since the run began, None for what never happened."""

    __slots__ = (
        "attempts", "bill", "calls", "detail", "ended_s", "first_token_s", "model", "reason", "started_s", "state",
    )  # fmt: skip

    def __init__(self) -> None:
        self.bill = Bill()
        self.calls: set[int] = set()
        self.attempts = 0
        self.model = ""  # that answered
        self.state: State = "skipped"
        self.reason = "not_needed"
        self.detail = ""
        self.started_s: float | None = None
        self.first_token_s: float | None = None
        self.ended_s: float | None = None

    def report(self, node: Node, kind: Kind) -> NodeReport:
        model = self.model or (str(node.model.model) if node.model else "")
        begin, end = self.started_s, self.ended_s
        seconds = None if begin is None or end is None else end - begin
        return NodeReport(
            node.id, node.kind, kind.role, model, self.state, self.reason, self.detail, begin, seconds,
            len(self.calls), self.attempts, self.bill.usage, self.bill.cost_usd,
        )  # fmt: skip


class Tally:
    """The sums of a run. `nodes` are in file order; `timing_s` has wall seconds per role, from its first start to its
    last end, and `total`; `answered` and `failures` count attempts, the latter by reason."""

    def __init__(self, bound: Bound, trace: Trace) -> None:
        self.by_id: dict[str, NodeTally] = {node.id: NodeTally() for node in bound.nodes}
        self.bill = Bill()
        self.answered = 0
        self.failures: dict[str, int] = {}
        self.simulated = False
        self.total_s = 0.0
        flat, began, start = trace.flat, trace.began, 0
        while start < len(flat):
            read, length = _RECORDS[flat[start + 1]]
            if read is not None:
                read(self, flat, start, flat[start] - began)
            start += length
        went = self.by_id.values()
        self.nodes = tuple(
            [one.report(node, kind) for one, node, kind in zip(went, bound.nodes, bound.kinds, strict=True)]
        )
        self.usage = self.bill.usage
        self.timing_s = {**_spans(self.nodes), "total": self.total_s}

    def _node_started(self, flat: list[Any], i: int, at: float) -> None:
        node = self.by_id[flat[i + 2]]
        if node.started_s is None:
            node.started_s = at

    def _node_finished(self, flat: list[Any], i: int, at: float) -> None:
        node = self.by_id[flat[i + 2]]
        node.ended_s = at
        node.state, node.reason, node.detail = flat[i + 3 : i + 6]

    def _node_skipped(self, flat: list[Any], i: int, _at: float) -> None:
        node = self.by_id[flat[i + 2]]
        if node.ended_s is None:
            node.reason = flat[i + 3]

    def _call_started(self, flat: list[Any], i: int, _at: float) -> None:
        node = self.by_id[flat[i + 2]]
        node.calls.add(flat[i + 3])
        node.attempts += 1

    def _first_token(self, flat: list[Any], i: int, at: float) -> None:
        node = self.by_id[flat[i + 2]]
        if node.first_token_s is None:
            node.first_token_s = at

    def _call_finished(self, flat: list[Any], i: int, _at: float) -> None:
        node, completion, usage, cost_usd = self.by_id[flat[i + 2]], flat[i + 6], flat[i + 7], flat[i + 8]
        node.model = flat[i + 5]
        node.bill.add(usage, cost_usd)
        self.bill.add(usage, cost_usd)
        self.answered += 1
        self.simulated = self.simulated or completion.simulated

    def _call_recalled(self, flat: list[Any], i: int, _at: float) -> None:
        self.simulated = self.simulated or flat[i + 6].simulated

    def _call_failed(self, flat: list[Any], i: int, _at: float) -> None:
        node, reason, usage, cost_usd = self.by_id[flat[i + 2]], flat[i + 6], flat[i + 8], flat[i + 9]
        node.bill.add(usage, cost_usd)
        self.bill.add(usage, cost_usd)
        self.failures[reason] = self.failures.get(reason, 0) + 1

    def _run_finished(self, _flat: list[Any], _i: int, at: float) -> None:
        self.total_s = at


def _spans(nodes: Iterable[NodeReport]) -> dict[str, float]:
    """Of each role whose nodes called a model and ended."""
    spans: dict[str, tuple[float, float]] = {}
    for node in nodes:
        if not node.model or node.started_s is None or node.seconds is None:
            continue
        begin, end = node.started_s, node.started_s + node.seconds
        known = spans.get(node.role)
        spans[node.role] = (begin, end) if known is None else (min(begin, known[0]), max(end, known[1]))
    return {role: end - begin for role, (begin, end) in spans.items()}


_READERS: dict[type[Event], Callable[[Tally, list[Any], int, float], None]] = {
    NodeStarted: Tally._node_started,  # noqa: SLF001 (its own)
    NodeFinished: Tally._node_finished,  # noqa: SLF001
    NodeSkipped: Tally._node_skipped,  # noqa: SLF001
    CallStarted: Tally._call_started,  # noqa: SLF001
    FirstToken: Tally._first_token,  # noqa: SLF001
    CallFinished: Tally._call_finished,  # noqa: SLF001
    CallFailed: Tally._call_failed,  # noqa: SLF001
    CallRecalled: Tally._call_recalled,  # noqa: SLF001
    RunFinished: Tally._run_finished,  # noqa: SLF001
}
"""By type: reads the record that stands at a place of the flat trace; its fields begin two behind it."""
_RECORDS = {kind: (_READERS.get(kind), 1 + len(kind._fields)) for kind in get_args(Event)}
"""By type: who reads it, if anybody, and how long it is."""
