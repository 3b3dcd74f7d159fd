"""Stub replies as attempts get them."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.errors import Permanent, ProviderError, Transient
from fusion_graph.events import CallStarted
from fusion_graph.graph.pipeline_tests import NEVER, PERMANENT, TRANSIENT, Reply
from fusion_graph.messages import Call, Completion, Message, Sampling
from fusion_graph.providers.sim import SimClient
from fusion_graph.store.door import Attempt
from fusion_graph.testing.stubs import Stubs


async def ask(stubs: Stubs, node: str) -> Completion:
    call = Call("a/x", (Message("user", "What is 6 times 7?"),), Sampling())
    stubs.listen(CallStarted(0.0, node, 0, 1, "a/x", call))
    return await stubs(Attempt("stub", call, SimClient()), lambda _delta: None)


async def test_replies_come_in_order_and_the_last_one_stays() -> None:
    stubs = Stubs({"one": (Reply("A"), Reply("B")), "two": (Reply("C", truncated=True),)})
    assert [(await ask(stubs, "one")).text for _ in range(3)] == ["A", "B", "B"]
    cut = await ask(stubs, "two")
    assert (cut.text, cut.finish_reason) == ("C", "length")


async def test_other_nodes_are_answered_by_simulated_models() -> None:
    found = await ask(Stubs({"one": (Reply("A"),)}), "two")
    assert "42" in found.text
    assert found.simulated


@pytest.mark.parametrize(("reasons", "kind"), [(TRANSIENT, Transient), (PERMANENT, Permanent)])
async def test_failures_are_of_their_kind(reasons: tuple[str, ...], kind: type[ProviderError]) -> None:
    for reason in reasons:
        with pytest.raises(kind) as caught:
            await ask(Stubs({"one": (Reply(fails=reason, retry_after_s=2.0),)}), "one")
        assert (caught.value.reason, caught.value.retry_after_s) == (reason, 2.0)


async def test_blank_text_is_an_empty_reply() -> None:
    with pytest.raises(Transient, match="no text"):
        await ask(Stubs({"one": (Reply(" "),)}), "one")


async def test_a_timeout_is_nothing_at_all() -> None:
    asking = asyncio.ensure_future(ask(Stubs({"one": (Reply(fails=NEVER),)}), "one"))
    await asyncio.sleep(0)
    assert not asking.done()
    asking.cancel()
    await asyncio.wait([asking])
