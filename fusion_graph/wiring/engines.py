"""Engines: a pipeline made ready to run, what its models cost, and a Fusion on the backends that were chosen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from fusion_graph.pipeline import ModelRef, Pipeline
from fusion_graph.toolbox import NO_TOOLS, Toolbox
from fusion_graph.wiring import backends, pipelines

if TYPE_CHECKING:
    from fusion_graph.contracts import Provider
    from fusion_graph.engine.fusion import Fusion
    from fusion_graph.engine.pricing import Prices, Rates
    from fusion_graph.graph.bound import Bound
    from fusion_graph.settings import Settings
    from fusion_graph.wiring.backends import Selection


class Used(NamedTuple):
    """A backend that answers a pipeline, and why that one."""

    name: str
    why: str
    simulated: bool


class Ready(NamedTuple):
    """A pipeline that can be run now. `renamed`: models of the file -> the ones that are called in their place."""

    bound: Bound
    selection: Selection
    used: tuple[Used, ...]
    renamed: Mapping[str, str]

    @property
    def told(self) -> str:
        """`backend: sim, simulated (FUSION_BACKEND is set)`."""
        parts = [f"{one.name}{', simulated' if one.simulated else ''} ({one.why})" for one in self.used]
        parts += [", ".join(f"{other} for {slug}" for slug, other in self.renamed.items())] if self.renamed else []
        return f"backend: {'; '.join(parts)}"


async def prepare(pipeline: Pipeline, params: Mapping[str, Any], settings: Settings) -> Ready:
    """Bind, choose the backends, refuse what cannot run. Raises UsageError or PipelineError; nothing is spent yet."""
    bound = pipelines.bind(pipeline, params)
    selection = await backends.select(settings)
    bound, renamed = backends.fit_models(bound, selection)
    backends.require_keys(bound, selection)
    return Ready(bound, selection, _used(bound, selection), renamed)


def _used(bound: Bound, selection: Selection) -> tuple[Used, ...]:
    """Backends that the settings do not have are the engine's to refuse."""
    known = [selection.backends[name] for name in selection.uses(bound) if name in selection.backends]
    why = {selection.default: selection.why}
    return tuple(
        Used(one.name, why.get(one.name, "named in the pipeline"), one.provider == backends.SIMULATED) for one in known
    )


def prices(file: str | None = None) -> Prices:
    """The shipped table, with a user's own laid over it."""
    from fusion_graph.engine.pricing import Prices

    return Prices.from_file(file) if file else Prices.shipped()


def rates(settings: Settings, table: Prices) -> Callable[[str], Rates | None]:
    """Prices of a model as a pipeline names it, from what is set alone: nobody is asked which servers run just now."""
    from fusion_graph.engine.pricing import Rates
    from fusion_graph.providers import PROVIDERS

    def look_up(model: str) -> Rates | None:
        ref = ModelRef.parse(model)
        backend = settings.backends.get(ref.backend or settings.default_backend)
        if backend is not None and (backend.free or PROVIDERS[backend.provider].free):
            return Rates(input=0.0, output=0.0, cached=0.0)
        return table.rates(ref.slug)

    return look_up


def open_fusion(
    selection: Selection,
    prices: Prices,
    tools: Toolbox = NO_TOOLS,
    *,
    providers: Mapping[str, Provider] | None = None,
    clock: Callable[[], float] | None = None,
    sleep: Callable[[float], Awaitable[None]] | None = None,
) -> Fusion:
    """An engine on these backends; close it. `providers`: other ways to reach models than the table's."""
    import asyncio
    import time

    from fusion_graph.engine.fusion import Fusion
    from fusion_graph.providers import PROVIDERS

    return Fusion(
        providers=PROVIDERS if providers is None else providers,
        backends=selection.backends,
        default_backend=selection.default,
        prices=prices,
        toolbox=tools,
        clock=clock or time.monotonic,
        sleep=sleep or asyncio.sleep,
    )
