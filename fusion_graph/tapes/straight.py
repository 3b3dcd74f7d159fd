"""A run as it is asked for, and the deck it is played on: straight, as nobody records or replays it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Prices
from fusion_graph.engine.report import RunResult
from fusion_graph.engine.request import RunRequest
from fusion_graph.messages import Message
from fusion_graph.pipeline import Pipeline
from fusion_graph.toolbox import NO_TOOLS, Toolbox
from fusion_graph.wiring import engines, pipelines

if TYPE_CHECKING:
    from fusion_graph.events import Listener
    from fusion_graph.settings import Settings


class Asked(NamedTuple):
    """What a run is asked."""

    pipeline: Pipeline
    params: Mapping[str, Any]
    messages: tuple[Message, ...]
    seed: int | None = None
    budget_usd: float | None = None
    deadline_s: float | None = None
    stream: bool = True


class Straight:
    """A run that meets its models with nobody in between. Its listener must be the first one to hear of an event."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.listen: Listener = lambda _event: None

    async def prepare(self, setup: Settings) -> engines.Ready:
        return await engines.prepare(self.asked.pipeline, self.asked.params, setup)

    def prices(self, file: str | None) -> Prices:
        return engines.prices(file)

    def request(self, ready: engines.Ready, *, run_id: str, fence: str) -> RunRequest:
        _pipeline, _params, messages, seed, budget_usd, deadline_s, stream = self.asked
        limits = pipelines.limits_of(ready.bound, budget_usd=budget_usd, deadline_s=deadline_s)
        return RunRequest(messages, seed, stream, limits=limits, run_id=run_id, fence=fence)

    def open(self, ready: engines.Ready, prices: Prices, tools: Toolbox = NO_TOOLS) -> Fusion:
        return engines.open_fusion(ready.selection, prices, tools)

    def warnings(self) -> Iterable[str]:
        """What to tell before the run."""
        return ()

    def conclude(self, _result: RunResult) -> Iterable[str]:
        """The run has ended: what to tell after it."""
        return ()
