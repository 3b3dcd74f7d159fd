"""One pass over what happened in a run: all that its report, its metrics and its bill add up. No event is made for
it, as most runs have nobody who looks at events."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from fusion_graph.events import (
    CallFailed,
    CallFinished,
    CallRecalled,
    CallStarted,
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
    from fusion_graph.graph.binding import Bound


class Bill:
    """What attempts used and cost, also failed and cancelled ones. `cost_usd` is None as soon as one price is
    unknown."""

    __slots__ = ("_cached", "_completion", "_estimated", "_prompt", "_reasoning", "cost_usd")

    def __init__(self) -> None:
        self._prompt = self._completion = self._reasoning = self._cached = 0
        self._estimated = False
        self.cost_usd: float | None = 0.0

    def add(self, usage: Usage, cost_usd: float | None) -> None:
        self._prompt += usage.prompt_tokens
        self._completion += usage.completion_tokens
        self._reasoning += usage.reasoning_tokens
        self._cached += usage.cached_tokens
        self._estimated = self._estimated or usage.estimated
        self.cost_usd = None if cost_usd is None or self.cost_usd is None else self.cost_usd + cost_usd

    @property
    def usage(self) -> Usage:
        return Usage(
            prompt_tokens=self._prompt,
            completion_tokens=self._completion,
            reasoning_tokens=self._reasoning,
            cached_tokens=self._cached,
            estimated=self._estimated,
        )


class NodeTally:
    """How one node went. Times are seconds since the run began, None for what never happened."""

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


class Tally:
    """The sums of a run so far. `answered` and `failures` count attempts, the latter by reason."""

    def __init__(self, bound: Bound, trace: Trace) -> None:
        self.nodes: dict[str, NodeTally] = {node.id: NodeTally() for node in bound.nodes}
        self.bill = Bill()
        self.answered = 0
        self.failures: Counter[str] = Counter()
        self.simulated = False
        self.total_s = 0.0
        flat, began, start = trace.flat, trace.began, 0
        while start < len(flat):
            kind = flat[start + 1]
            read = _READERS.get(kind)
            if read is not None:
                read(self, flat, start, flat[start] - began)
            start += 1 + len(kind._fields)

    def _node_started(self, flat: list[Any], i: int, at: float) -> None:
        node = self.nodes[flat[i + 2]]
        if node.started_s is None:
            node.started_s = at

    def _node_finished(self, flat: list[Any], i: int, at: float) -> None:
        node = self.nodes[flat[i + 2]]
        node.ended_s = at
        node.state, node.reason, node.detail = flat[i + 3 : i + 6]

    def _node_skipped(self, flat: list[Any], i: int, _at: float) -> None:
        node = self.nodes[flat[i + 2]]
        if node.ended_s is None:
            node.reason = flat[i + 3]

    def _call_started(self, flat: list[Any], i: int, _at: float) -> None:
        node = self.nodes[flat[i + 2]]
        node.calls.add(flat[i + 3])
        node.attempts += 1

    def _first_token(self, flat: list[Any], i: int, at: float) -> None:
        node = self.nodes[flat[i + 2]]
        if node.first_token_s is None:
            node.first_token_s = at

    def _call_finished(self, flat: list[Any], i: int, _at: float) -> None:
        node, completion, usage, cost_usd = self.nodes[flat[i + 2]], *flat[i + 6 : i + 9]
        node.model = flat[i + 5]
        node.bill.add(usage, cost_usd)
        self.bill.add(usage, cost_usd)
        self.answered += 1
        self.simulated = self.simulated or completion.simulated

    def _call_recalled(self, flat: list[Any], i: int, _at: float) -> None:
        self.simulated = self.simulated or flat[i + 6].simulated

    def _call_failed(self, flat: list[Any], i: int, _at: float) -> None:
        node, reason, _, usage, cost_usd = self.nodes[flat[i + 2]], *flat[i + 6 : i + 10]
        node.bill.add(usage, cost_usd)
        self.bill.add(usage, cost_usd)
        self.failures[reason] += 1

    def _run_finished(self, _flat: list[Any], _i: int, at: float) -> None:
        self.total_s = at


_READERS = {
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
