"""What a process shares between its runs: lanes to the backends, prices, the watchdog, tools, clock and sleep."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fusion_graph.engine.lane import Lane
from fusion_graph.engine.lanes import Lanes
from fusion_graph.engine.pricing import Prices
from fusion_graph.engine.watchdog import Watchdog
from fusion_graph.messages import Usage
from fusion_graph.pipeline import ModelRef
from fusion_graph.toolbox import NO_TOOLS, Toolbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One per Fusion. `sleep` and `clock` are arguments so that tests own time."""

    lanes: Lanes
    prices: Prices
    sleep: Callable[[float], Awaitable[None]]
    clock: Callable[[], float] = time.monotonic
    toolbox: Toolbox = NO_TOOLS
    watchdog: Watchdog = field(default_factory=Watchdog)

    def cost(self, lane: Lane, model: str, usage: Usage) -> float | None:
        """Dollars of one attempt: the backend's own figure, else 0 for a free backend, else the price table, else
        None."""
        if usage.cost_usd is not None:
            return usage.cost_usd
        return 0.0 if lane.free else self.prices.cost(model, usage)

    def priced(self, ref: ModelRef) -> bool:
        return self.lanes[ref.backend].free or self.prices.rates(ref.slug) is not None
