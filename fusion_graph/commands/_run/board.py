"""What every node of a run is doing, folded from its events: one row a node, groups with their members below them.
Knows no screen; `live` draws it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fusion_graph.events import (
    CallFailed,
    CallFinished,
    CallStarted,
    Event,
    FirstToken,
    GroupClosed,
    NodeFinished,
    NodeSkipped,
    NodeStarted,
    RunFinished,
    RunStarted,
    ToolCalled,
)
from fusion_graph.figures import seconds
from fusion_graph.pipeline import Node

ACTIVE = frozenset({"asking", "writing", "retrying", "working"})
SETTLED = frozenset({"ok", "cached", "replayed", "skipped", "failed", "cancelled"})
GOOD = frozenset({"ok", "cached", "replayed"})


@dataclass(slots=True, kw_only=True)
class Row:
    """One node. `state` is a word for people: waiting, asking, writing, retrying, then how it ended. `cost_usd` is None
    as soon as one of its calls has no known price."""

    id: str
    title: str
    model: str
    depth: int
    members: list[Row] = field(default_factory=list)
    state: str = "waiting"
    note: str = ""
    started_s: float | None = None
    ended_s: float | None = None
    tokens: int = 0
    cost_usd: float | None = 0.0

    @property
    def inside(self) -> Iterator[Row]:
        """Everything below it."""
        for member in self.members:
            yield member
            yield from member.inside

    def seconds(self, now: float) -> float | None:
        """How long it has been at work; a group, since its first member began."""
        begins = [row.started_s for row in (self, *self.inside) if row.started_s is not None]
        if not begins:
            return None
        return max(0.0, (now if self.ended_s is None else self.ended_s) - min(begins))  # a picture may begin before


class Board:
    """Rows by node id, in tree order under `roots`. The first event it sees is a RunStarted."""

    def __init__(self) -> None:
        self.pipeline = ""
        self.rows: dict[str, Row] = {}
        self.roots: list[Row] = []
        self.tokens = 0
        self.cost_usd: float | None = 0.0

    def see(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._begin(event)
        elif isinstance(event, CallFinished | CallFailed):
            self._answered(self.rows[event.node], event)
        elif isinstance(event, NodeStarted):
            row = self.rows[event.node]
            row.state, row.started_s = "asking", event.at
        elif isinstance(event, CallStarted):
            row = self.rows[event.node]
            row.state = "asking"
            row.note = f"attempt {event.attempt}" if event.attempt > 1 else ""
        elif isinstance(event, FirstToken):
            self.rows[event.node].state = "writing"
        elif isinstance(event, ToolCalled):
            self.rows[event.node].state, self.rows[event.node].note = "working", f"uses {event.tool}"
        elif isinstance(event, GroupClosed):
            self._closed(event)
        elif isinstance(event, NodeFinished | NodeSkipped):
            self._ended(event)
        elif isinstance(event, RunFinished) and event.state == "cancelled":
            for row in self.rows.values():
                row.state = "cancelled" if row.state in ACTIVE else row.state

    def walk(self) -> Iterator[Row]:
        """Every row, a group before its members."""
        stack = self.roots[::-1]
        while stack:
            row = stack.pop()
            yield row
            stack.extend(row.members[::-1])

    def _begin(self, event: RunStarted) -> None:
        self.pipeline = event.pipeline
        parents = {str(e.node): str(n.id) for n in event.nodes for e in n.inputs if e.node.startswith(f"{n.id}/")}
        for node in event.nodes:
            self.rows[node.id] = _row(node, parents)
        for row in self.rows.values():
            parent = parents.get(row.id)
            (self.rows[parent].members if parent else self.roots).append(row)

    def _answered(self, row: Row, event: CallFinished | CallFailed) -> None:
        row.tokens += event.usage.total_tokens
        row.cost_usd = _sum(row.cost_usd, event.cost_usd)
        self.tokens += event.usage.total_tokens
        self.cost_usd = _sum(self.cost_usd, event.cost_usd)
        if isinstance(event, CallFailed) and event.reason != "cancelled":
            row.state, row.note = "working", event.reason
            if event.next_s is not None:
                row.state, row.note = "retrying", f"{event.reason}, again in {seconds(event.next_s)}"
        elif row.state in ACTIVE:
            row.state, row.note = "working", ""

    def _closed(self, event: GroupClosed) -> None:
        row = self.rows[event.node]
        if row.members:
            row.note = f"{len(event.chosen)} of {len(row.members)}" + (
                f", {len(event.late)} late" if event.late else ""
            )
        elif event.chosen:
            row.note = f"took {event.chosen[0]}" if len(event.chosen) == 1 else f"chose from {len(event.chosen)}"

    def _ended(self, event: NodeFinished | NodeSkipped) -> None:
        row = self.rows[event.node]
        row.state = event.state if isinstance(event, NodeFinished) else "skipped"
        row.ended_s = event.at
        if row.state not in GOOD:
            row.note = event.reason
        elif row.model:
            row.note = ""


def _row(node: Node, parents: dict[str, str]) -> Row:
    depth, parent = 0, parents.get(node.id, "")
    title = node.id.removeprefix(f"{parent}/") if parent else str(node.id)
    while parent:
        depth, parent = depth + 1, parents.get(parent, "")
    return Row(id=node.id, title=title, model=str(node.model.model) if node.model else "", depth=depth)


def _sum(total: float | None, cost: float | None) -> float | None:
    return None if total is None or cost is None else total + cost
