"""One budget for a whole eval: what does not fit is not sent."""

from __future__ import annotations

import pytest

from fusion_graph.contracts import Backend, Provider
from fusion_graph.engine.pricing import Prices
from fusion_graph.errors import Permanent, Transient
from fusion_graph.evals.running.purse import SPENT, Purse, watched
from fusion_graph.messages import Call, Completion, Message, Sampling, Usage
from fusion_graph.providers.sim import Script, SimClient

PRICES = Prices({"a/x": (0.0, 1_000_000.0)}, "2026-11-28")  # a dollar a token written
CALL = Call("a/x", (Message("user", "hello"),), Sampling(max_tokens=4))
REPLY = Completion(text="hi", usage=Usage(completion_tokens=3))


def opened(purse: Purse, script: Script, *, free: bool = False) -> tuple[object, SimClient]:
    sim = SimClient(script)
    (provider,) = watched({"p": Provider(name="p", summary="", open=lambda _b: sim, free=free)}, purse).values()
    return provider.open(Backend(name="b")), sim


async def complete(client: object) -> Completion:
    found: Completion = await client.complete(CALL, lambda _delta: None)  # type: ignore[attr-defined]
    return found


async def test_a_call_that_does_not_fit_is_not_sent() -> None:
    purse = Purse(PRICES, budget_usd=6.5)
    client, sim = opened(purse, {"*": REPLY})
    await complete(client)
    assert (purse.spent_usd, purse.calls, purse.empty) == (3, 1, False)
    with pytest.raises(Permanent) as caught:
        await complete(client)  # 3 spent and 4 at worst are more than 6.5
    assert caught.value.reason == SPENT
    assert (len(sim.received), purse.calls, purse.empty) == (1, 1, True)


async def test_a_refused_call_costs_nothing() -> None:
    purse = Purse(PRICES, budget_usd=4.0)
    client, _ = opened(purse, {"*": [Transient("rate_limited", status=429), REPLY]})
    with pytest.raises(Transient):
        await complete(client)
    await complete(client)
    assert (purse.spent_usd, purse.calls) == (3, 2)


async def test_free_and_unpriced_calls() -> None:
    free = Purse(PRICES, budget_usd=0.1)
    await complete(opened(free, {"*": REPLY}, free=True)[0])
    assert free.spent_usd == 0
    unpriced = Purse(Prices({}))
    await complete(opened(unpriced, {"*": REPLY})[0])
    assert (unpriced.unpriced, unpriced.spent_usd) == (1, 0)
