"""The models of evals: what a pipeline calls, what that costs, and engines that pay from one purse. In a dry run every
model is simulated, and nothing leaves the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fusion_graph.contracts import Provider
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Rates
from fusion_graph.engine.tooled import check_tools
from fusion_graph.errors import UsageError
from fusion_graph.evals.arms import Arm, called
from fusion_graph.evals.hygiene.leaks import HOSTS
from fusion_graph.evals.running import simulated
from fusion_graph.evals.running.purse import Purse, watched
from fusion_graph.evals.running.recording import Door
from fusion_graph.graph.bound import Bound
from fusion_graph.pipeline import ModelRef, Pipeline
from fusion_graph.providers import PROVIDERS
from fusion_graph.store.door import guarded
from fusion_graph.toolbox import NO_TOOLS, Toolbox
from fusion_graph.wiring import backends, engines, pipelines
from fusion_graph.wiring.tools import Allowed, toolbox

if TYPE_CHECKING:
    from fusion_graph.engine.pricing import Prices
    from fusion_graph.settings import Settings

FREE = Rates(input=0.0, output=0.0, cached=0.0)


class Models:
    """`selection` None: a dry run, also its time is virtual. `guarded`: the tasks are a public benchmark, which web
    tools must not find."""

    def __init__(
        self, selection: backends.Selection | None, setup: Settings, prices: Prices, budget_usd: float | None
    ) -> None:
        self.virtual = selection is None
        self.simulated = selection is None or selection.backends[selection.default].provider == backends.SIMULATED
        self.prices = prices
        self.purse = Purse(prices, budget_usd)
        self.guarded = False
        self._bounded = budget_usd is not None
        self._selection = selection
        self._setup = setup

    @property
    def told(self) -> str:
        if self._selection is None:
            return "backend: sim, every model and judge is simulated; scores mean nothing"
        return f"backend: {self._selection.default} ({self._selection.why})"

    def bind(self, pipeline: Pipeline, params: Mapping[str, Any]) -> Bound:
        bound = pipelines.bind(pipeline, params)
        if self._selection is None:
            return bound
        bound, _ = backends.fit_models(bound, self._selection)
        backends.require_keys(bound, self._selection)
        return bound

    def rates(self, model: str) -> Rates | None:
        """Prices of a model; of a free backend zeros, in a dry run those of the table."""
        ref = ModelRef.parse(model)
        return FREE if self._is_free(ref) else self.prices.rates(ref.slug)

    def check_prices(self, arms: Sequence[Arm], judge: str) -> None:
        """A budget can only be kept where every price is known. Raises UsageError."""
        if not self._bounded:
            return
        models = {model: None for arm in arms for model in called(arm)} | ({judge: None} if judge else {})
        unknown = [model for model in models if self.rates(model) is None]
        if unknown:
            raise UsageError(
                f"the price of {', '.join(unknown)} is unknown, so a budget cannot be kept",
                hint="give it with --prices FILE, or drop --budget-usd",
            )

    def _is_free(self, ref: ModelRef) -> bool:
        selection = self._selected({ref.backend})
        backend = selection.backends.get(ref.backend or selection.default)
        return backend is not None and (backend.free or self._table(simulated.PANEL)[backend.provider].free)

    def _selected(self, names: Iterable[str]) -> backends.Selection:
        """What was chosen; in a dry run every backend is simulated, whatever its name."""
        return self._selection or backends.Selection(
            backends=simulated.backends(names), default=simulated.NAME, why="--dry-run", missing_keys={}, models={}
        )

    def _table(self, stand_in: Provider) -> Mapping[str, Provider]:
        return {simulated.NAME: stand_in} if self.virtual else PROVIDERS

    def open(self, arms: Sequence[Arm], door: Door, clock: Callable[[], float] | None = None) -> Fusion:
        """An engine for these arms behind a door."""
        table = guarded(watched(self._table(simulated.PANEL), self.purse), door)
        selection = self._selected({backend for arm in arms for backend in arm.bound.backends})
        return self._engine(selection, table, clock, self.tools(arms))

    def examiner(self, model: str) -> Fusion:
        """An engine for a judge."""
        table = watched(self._table(simulated.EXAMINER), self.purse)
        return self._engine(self._selected({ModelRef.parse(model).backend}), table)

    def _engine(
        self,
        selection: backends.Selection,
        table: Mapping[str, Provider],
        clock: Callable[[], float] | None = None,
        tools: Toolbox = NO_TOOLS,
    ) -> Fusion:
        clock = clock or asyncio.get_running_loop().time
        return engines.open_fusion(selection, self.prices, tools, providers=table, clock=clock)

    def tools(self, arms: Sequence[Arm]) -> Toolbox:
        """The web's only: an eval opens nothing of this machine. Raises UsageError for any other."""
        if not any(arm.bound.tooled for arm in arms):
            return NO_TOOLS
        blocked = (*self._setup.blocked_domains, *(HOSTS if self.guarded else ()))
        box = toolbox(replace(self._setup, blocked_domains=blocked), Allowed())
        for arm in arms:
            foreign = [name for names in arm.bound.tooled.values() for name in names if name not in box.tools]
            if foreign:
                raise UsageError(f"{arm.name} asks for {foreign[0]}: an eval has the tools of the web only")
            check_tools(arm.bound, box)
        return box
