"""What a run is doing, on one line: how far each part is, seconds, tokens and cost so far. Folded from its events."""

from __future__ import annotations

from collections import Counter, defaultdict

from fusion_graph.events import (
    CallFailed,
    CallFinished,
    Event,
    NodeFinished,
    NodeSkipped,
    NodeStarted,
    RunStarted,
    ToolAnswered,
    ToolCalled,
)
from fusion_graph.messages import total_cost

GOOD = frozenset({"ok", "cached", "replayed"})


class Progress:
    """Parts are the nodes before the last slash of their ids: `panel/a` and `panel/b` are panel."""

    def __init__(self) -> None:
        self.tokens = 0
        self.costs: list[float | None] = []
        self._sizes: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._running: defaultdict[str, set[str]] = defaultdict(set)  # a hedge's arm may begin twice
        self._calls_model: dict[str, None] = {}  # node ids in file order
        self._tool = ""

    def __call__(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._calls_model = {node.id: None for node in event.nodes if node.model is not None}
            self._sizes.update(_part(node) for node in self._calls_model)
        elif isinstance(event, CallFinished | CallFailed):
            self.tokens += event.usage.total_tokens
            self.costs.append(event.cost_usd)
        elif isinstance(event, ToolCalled):
            self._tool = event.tool
        elif isinstance(event, ToolAnswered):
            self._tool = ""
        elif isinstance(event, NodeStarted | NodeFinished | NodeSkipped) and event.node in self._calls_model:
            self._moved(event)

    def _moved(self, event: NodeStarted | NodeFinished | NodeSkipped) -> None:
        part = _part(event.node)
        if isinstance(event, NodeStarted):
            self._running[part].add(event.node)
            return
        self._running[part].discard(event.node)
        if isinstance(event, NodeSkipped):
            self._sizes[part] -= 1
            return
        (self._done if event.state in GOOD else self._lost)[part] += 1

    @property
    def cost_usd(self) -> float | None:
        return total_cost(self.costs)

    @property
    def line(self) -> str:
        """`panel 2 of 3, judge working, uses web_search`."""
        told = []
        for part, size in self._sizes.items():
            if not (self._running[part] or self._done[part] or self._lost[part]) or size <= 0:
                continue
            if size > 1:
                told.append(f"{part} {self._done[part]} of {size}")
            else:
                told.append(f"{part} {'working' if self._running[part] else 'done' if self._done[part] else 'failed'}")
            if size > 1 and self._lost[part]:
                told[-1] += f" ({self._lost[part]} failed)"
        if self._tool:
            told.append(f"uses {self._tool}")
        return ", ".join(told) or "waiting"


def _part(node: str) -> str:
    return node.rpartition("/")[0] or node
