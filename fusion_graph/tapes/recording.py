"""A run that is written to a cassette: what is noted of it beside its attempts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TextIO

from fusion_graph.contracts import Provider
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Prices, Rates
from fusion_graph.engine.report import RunResult
from fusion_graph.engine.request import RunRequest
from fusion_graph.providers import PROVIDERS
from fusion_graph.store.door import guarded
from fusion_graph.store.tape_lines import tool_fields
from fusion_graph.store.taping import Taper
from fusion_graph.tapes.straight import Asked, Straight
from fusion_graph.toolbox import NO_TOOLS, Toolbox
from fusion_graph.wiring import backends, engines

if TYPE_CHECKING:
    from fusion_graph.graph.bound import Bound
    from fusion_graph.settings import Settings


class Recording(Straight):
    """A run that is written to an open file. What is recorded is bought: no reply comes from a cache."""

    def __init__(self, asked: Asked, file: TextIO, providers: Mapping[str, Provider] = PROVIDERS) -> None:
        super().__init__(asked)
        self._providers = providers
        self._taper = Taper(file)
        self.listen = self._taper.listen
        self._request: RunRequest | None = None

    async def prepare(self, setup: Settings) -> engines.Ready:
        ready = await super().prepare(setup)
        return ready._replace(bound=without_cache(ready.bound))

    def request(self, ready: engines.Ready, *, run_id: str, fence: str) -> RunRequest:
        self._request = super().request(ready, run_id=run_id, fence=fence)
        return self._request

    def open(self, ready: engines.Ready, prices: Prices, tools: Toolbox = NO_TOOLS) -> Fusion:
        assert self._request is not None
        self._taper.begin(_head(self.asked, ready, prices, self._request, self._providers) | _tools(ready.bound, tools))
        selection = ready.selection
        used = {name: self._providers[name] for name in {backend.provider for backend in selection.backends.values()}}
        providers, clock = guarded(used, self._taper), asyncio.get_running_loop().time
        return engines.open_fusion(selection, prices, self._taper.toolbox(tools), providers=providers, clock=clock)

    def conclude(self, result: RunResult) -> Iterator[str]:
        self._taper.conclude(**summary(result))
        if self._taper.fault is not None:
            yield f"the cassette is not whole: {self._taper.fault.strerror}"


def _head(
    asked: Asked, ready: engines.Ready, prices: Prices, request: RunRequest, providers: Mapping[str, Provider]
) -> dict[str, Any]:
    pipeline, selection = asked.pipeline, ready.selection
    slugs = {ref.slug for node in ready.bound.nodes if node.model for ref in node.model.models}
    found = {slug: rates for slug in sorted(slugs) if (rates := prices.rates(slug)) is not None}
    return {
        "run_id": request.run_id,
        "fence": request.fence,
        "pipeline": {"name": pipeline.name, "source": pipeline.source},
        "params": dict(asked.params),
        "messages": asked.messages,
        "seed": asked.seed,
        "stream": asked.stream,
        "budget_usd": asked.budget_usd,
        "deadline_s": asked.deadline_s,
        "default": selection.default,
        "backends": _backends(selection, selection.uses(ready.bound), providers),
        "renamed": dict(ready.renamed),
        "prices": {"date": prices.date, "models": {slug: _entry(rates) for slug, rates in found.items()}},
    }


def _backends(
    selection: backends.Selection, used: tuple[str, ...], providers: Mapping[str, Provider]
) -> list[dict[str, Any]]:
    """What the engine must know of a backend, and neither its address nor its key: `account` tells which share both."""
    accounts: dict[tuple[str, str], int] = {}
    return [
        {
            "name": backend.name,
            "account": accounts.setdefault((backend.base_url.rstrip("/") or name, backend.api_key), len(accounts)),
            "free": backend.free or providers[backend.provider].free,
            "tools": backend.tools and providers[backend.provider].tools,
            "max_concurrency": backend.max_concurrency,
            "requests_per_minute": backend.requests_per_minute,
        }
        for name in used
        if (backend := selection.backends.get(name)) is not None
    ]


def _tools(bound: Bound, box: Toolbox) -> dict[str, Any]:
    """What the run's models were told of tools, and how far they might go with them."""
    named = sorted({name for names in bound.tooled.values() for name in names})
    tools = [tool_fields(name, box.tools[name]) for name in named if name in box.tools]
    return {"tools": tools, "tool_bounds": box.bounds._asdict()}


def _entry(rates: Rates) -> list[float]:
    """As a price table has it."""
    entry = [rates.input, rates.output, rates.cached]
    return [*entry, rates.above, *_entry(rates.long)] if rates.long else entry


def without_cache(bound: Bound) -> Bound:
    """Without the cache."""
    nodes = (replace(n, model=replace(n.model, cache=None)) if n.model is not None else n for n in bound.nodes)
    return replace(bound, nodes=tuple(nodes))


def summary(result: RunResult) -> dict[str, Any]:
    """What a replay must give again."""
    return {
        "state": result.state,
        "answer": result.answer.text if result.answer else None,
        "cost_usd": result.cost_usd,
        "nodes": {node.id: f"{node.state} {node.reason}".strip() for node in result.nodes},
        "degraded": [[entry.node, entry.reason] for entry in result.degraded],
    }
