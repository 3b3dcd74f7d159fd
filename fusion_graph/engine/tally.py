"""One pass over what happened in a run: all that its report, its metrics and its bill add up. No event is made for
it, as most runs have nobody who looks at events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

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
from fusion_graph.messages import NO_USAGE, Usage, both_costs, total_usage
from fusion_graph.outputs import State

if TYPE_CHECKING:
    from fusion_graph.graph.bound import Bound


@dataclass(slots=True, eq=False)
class NodeReport:
    """How one node went. `seconds` is None for nodes that never ended or began; `cost_usd` None when a price is
    unknown. Its tally writes it and nobody else: it is not frozen, as a run makes one per node."""

    id: str
    kind: str
    role: str
    model: str  # that answered, else the one to ask first
    state: State = "skipped"
    reason: str = "not_needed"
    detail: str = ""
    started_s: float | None = None
    seconds: float | None = None
    calls: int = 0
    attempts: int = 0
    usage: Usage = NO_USAGE
    cost_usd: float | None = 0.0


class Tally:
    """The sums of a run. `nodes` are in file order; `timing_s` has wall seconds per role, from its first start to its
    last end, and `total`; `first_token_s` when the first content of a node came; `answered` and `failures` count
    attempts, the latter by reason. Times are seconds since the run began."""

    def __init__(self, bound: Bound, trace: Trace) -> None:
        self.by_id = {about[0]: NodeReport(*about) for about in bound.reported}
        self.cost_usd: float | None = 0.0
        self.answered = 0
        self.failures: dict[str, int] = {}
        self.first_token_s: dict[str, float] = {}
        self.simulated = False
        self.total_s = 0.0
        self._began = trace.began
        flat, start, end = trace.flat, 0, len(trace.flat)
        while start < end:
            read, length = _RECORDS[flat[start + 1]]
            if read is not None:
                read(self, flat, start)
            start += length
        self.nodes = tuple(self.by_id.values())
        self.usage = total_usage([node.usage for node in self.nodes])
        self.timing_s = _spans(self.nodes)
        self.timing_s["total"] = self.total_s

    def _spend(self, node: NodeReport, usage: Usage, cost_usd: float | None) -> None:
        node.usage = total_usage((usage,) if node.usage is NO_USAGE else (node.usage, usage))
        node.cost_usd = both_costs(node.cost_usd, cost_usd)
        self.cost_usd = both_costs(self.cost_usd, cost_usd)

    def _node_started(self, flat: list[Any], i: int) -> None:
        node = self.by_id[flat[i + 2]]
        if node.started_s is None:
            node.started_s = flat[i] - self._began

    def _node_finished(self, flat: list[Any], i: int) -> None:
        node = self.by_id[flat[i + 2]]
        node.state, node.reason, node.detail = flat[i + 3 : i + 6]
        if node.started_s is not None:
            node.seconds = flat[i] - self._began - node.started_s

    def _node_skipped(self, flat: list[Any], i: int) -> None:
        node = self.by_id[flat[i + 2]]
        if node.state == "skipped":
            node.reason = flat[i + 3]

    def _call_started(self, flat: list[Any], i: int) -> None:
        node = self.by_id[flat[i + 2]]
        node.attempts += 1
        node.calls += flat[i + 4] == 1  # the first of its tries

    def _first_token(self, flat: list[Any], i: int) -> None:
        self.first_token_s.setdefault(flat[i + 2], flat[i] - self._began)

    def _call_finished(self, flat: list[Any], i: int) -> None:
        node = self.by_id[flat[i + 2]]
        node.model = flat[i + 5]
        self._spend(node, flat[i + 7], flat[i + 8])
        self.answered += 1
        self.simulated = self.simulated or flat[i + 6].simulated

    def _call_recalled(self, flat: list[Any], i: int) -> None:
        self.simulated = self.simulated or flat[i + 6].simulated

    def _call_failed(self, flat: list[Any], i: int) -> None:
        reason = flat[i + 6]
        self._spend(self.by_id[flat[i + 2]], flat[i + 8], flat[i + 9])
        self.failures[reason] = self.failures.get(reason, 0) + 1

    def _run_finished(self, flat: list[Any], i: int) -> None:
        self.total_s = flat[i] - self._began


def _spans(nodes: Iterable[NodeReport]) -> dict[str, float]:
    """Of each role whose nodes called a model and ended."""
    spans: dict[str, float] = {}
    begins: dict[str, float] = {}
    for node in nodes:
        role, begin, seconds = node.role, node.started_s, node.seconds
        if begin is None or seconds is None or not node.model:
            continue
        if role in spans:
            end = max(begin + seconds, begins[role] + spans[role])
            begin = min(begin, begins[role])
            seconds = end - begin
        begins[role], spans[role] = begin, seconds
    return spans


_READERS: dict[type[Event], Callable[[Tally, list[Any], int], None]] = {
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
