"""One budget for a whole eval: every call reserves its worst case before it leaves and settles after it came back.
Stands between the engine and the models; what it refuses is asked again when the eval is resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING

from fusion_graph.contracts import Backend, Client, Provider, Sink
from fusion_graph.engine.estimates import estimated_usage, prompt_tokens
from fusion_graph.engine.ledger import Amount, Ledger
from fusion_graph.errors import Permanent, ProviderError
from fusion_graph.graph.forecast.tokens import DEFAULT_OUTPUT_TOKENS
from fusion_graph.messages import Call, Completion, Usage
from fusion_graph.pipeline import Limits

if TYPE_CHECKING:
    from fusion_graph.engine.pricing import Prices

SPENT = "eval_budget"
"""The reason of a call that the purse refused."""
LEFT: ContextVar[float] = ContextVar("left")
"""When the current call really left: waiting for the purse is no part of its time."""


class Purse:
    """What this process has sent and spent. `empty` once a call did not fit; `spent_usd` is without the
    `unpriced` calls."""

    def __init__(self, prices: Prices, budget_usd: float | None = None) -> None:
        self._prices = prices
        self._ledger = Ledger(Limits(budget_usd=budget_usd), Amount()) if budget_usd is not None else None
        self.empty = False
        self.calls = 0
        self.spent_usd = 0.0
        self.unpriced = 0
        self._in_flight = 0
        self._settled = asyncio.Event()

    def price(self, model: str, usage: Usage, *, free: bool) -> float | None:
        if usage.cost_usd is not None:
            return usage.cost_usd
        return 0.0 if free else self._prices.cost(model, usage)

    async def reserve(self, call: Call, *, free: bool) -> Amount | None:
        """Waits while calls in flight may still come out cheaper; raises Permanent when there is no room without
        them."""
        if self._ledger is not None:
            most = Usage(
                prompt_tokens=prompt_tokens(call.messages),
                completion_tokens=call.sampling.max_tokens or DEFAULT_OUTPUT_TOKENS,
            )
            worst = Amount(self.price(call.model, most, free=free) or 0.0)
            while (held := self._ledger.reserve(worst, writer=True)) is None:
                if not self._in_flight:
                    self.empty = True
                    raise Permanent(SPENT, "the eval's budget has no room for this call", sent=False)
                await self._settled.wait()
        else:
            held = None
        self.calls += 1
        self._in_flight += 1
        return held

    def settle(self, held: Amount | None, cost: float | None) -> None:
        self._in_flight -= 1
        if cost is None:
            self.unpriced += 1
        self.spent_usd += cost or 0.0
        if self._ledger is not None and held is not None:
            self._ledger.settle(held, cost, 0)
        self._settled.set()
        self._settled = asyncio.Event()


def watched(providers: Mapping[str, Provider], purse: Purse) -> dict[str, Provider]:
    """The same providers, each call paid from this purse."""

    def opened(provider: Provider, backend: Backend) -> Client:
        return _Watched(provider.open(backend), purse, free=provider.free or backend.free)

    return {name: replace(p, open=lambda backend, p=p: opened(p, backend)) for name, p in providers.items()}  # type: ignore[misc]


class _Watched:
    """A client that pays before it asks."""

    def __init__(self, client: Client, purse: Purse, *, free: bool) -> None:
        self._client = client
        self._purse = purse
        self._free = free

    async def complete(self, call: Call, sink: Sink) -> Completion:
        held = await self._purse.reserve(call, free=self._free)
        LEFT.set(asyncio.get_running_loop().time())
        usage = estimated_usage(call, 0)  # of a call that was cancelled: its prompt, at least
        try:
            completion = await self._client.complete(call, sink)
            usage = completion.usage or estimated_usage(call, len(completion.text))
        except ProviderError as error:
            usage = error.usage or (Usage() if not error.sent or error.status is not None else usage)
            raise
        finally:
            self._purse.settle(held, self._purse.price(call.model, usage, free=self._free))
        return completion

    async def aclose(self) -> None:
        await self._client.aclose()
