"""What attempts cost: the figures that their events carry, and what the ledger is told (semantics 4)."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.errors import Permanent, ProviderError, Transient
from fusion_graph.events import CallFailed, CallFinished
from fusion_graph.messages import Completion, Usage
from fusion_graph.pipeline import Limits
from tests.engine.stage import FLAT, Stage, start, usage

ONE = "a: {kind: proposer, model: m/cheap, max_tokens: 100, retry: {attempts: 1}}"


async def failure(reply: object, nodes: str = ONE) -> CallFailed:
    stage = Stage({"m/cheap": reply}, prices=FLAT)  # type: ignore[dict-item]
    await stage.run(nodes)
    (failed,) = stage.heard(CallFailed)
    return failed


async def test_reported_usage_is_exact() -> None:
    stage = Stage({"m/cheap": Completion(text="text", usage=usage(1000, 500))}, prices=FLAT)
    await stage.run(ONE)
    (done,) = stage.heard(CallFinished)
    assert done.exact
    assert done.cost_usd == pytest.approx(0.0015)


async def test_missing_usage_is_estimated() -> None:
    stage = Stage({"m/cheap": Completion(text="x" * 400)}, prices=FLAT)
    result = await stage.run(ONE)
    (done,) = stage.heard(CallFinished)
    assert not done.exact
    assert done.usage.completion_tokens == 100
    assert result.usage.estimated


async def test_figure_of_the_backend_wins() -> None:
    stage = Stage({"m/cheap": Completion(text="text", usage=usage(1, 1, cost=9.0))}, prices=FLAT)
    assert (await stage.run(ONE)).cost_usd == 9.0


@pytest.mark.parametrize(
    "error",
    [Permanent("bad_request", status=400), Transient("rate_limited", status=429), Transient("connection", sent=False)],
    ids=lambda e: e.reason,
)
async def test_refused_attempt_costs_nothing(error: ProviderError) -> None:
    """The backend refused it or never got it."""
    failed = await failure(error)
    assert (failed.cost_usd, failed.usage) == (0.0, Usage())


async def test_broken_stream_costs_its_estimate() -> None:
    failed = await failure(("word " * 20, Transient("truncated_stream")))
    assert failed.usage.estimated
    assert failed.usage.completion_tokens == 25
    assert failed.cost_usd


async def test_what_the_backend_reported_of_a_failure_counts() -> None:
    failed = await failure(Transient("upstream_error", usage=usage(2000, 0)))
    assert failed.cost_usd == pytest.approx(0.002)
    assert not failed.usage.estimated


async def test_unusable_reply_costs_what_it_cost() -> None:
    reply = Completion(text="no", usage=usage(1000, 1000))
    failed = await failure(reply, ONE.replace("retry", "usable: {match: yes}, retry"))
    assert failed.cost_usd == pytest.approx(0.002)
    assert failed.text == "no"


async def test_timeout_costs_its_estimate() -> None:
    failed = await failure(("some ", 1e6), ONE.replace("retry", "timeout: {idle_s: 0.01}, retry"))
    assert failed.reason == "timeout_idle"
    assert failed.usage.prompt_tokens > 0


async def test_cancelled_attempt_is_told_with_its_cost() -> None:
    # semantics 4: a cancelled one at its estimate
    stage = Stage({"m/cheap": ("some ", 1e6)}, prices=FLAT)
    run = start(stage, ONE)
    await stage.sim.called("m/cheap")
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    (failed,) = stage.heard(CallFailed)
    assert (failed.reason, failed.next_s) == ("cancelled", None)


async def test_unknown_price_is_none() -> None:
    stage = Stage({"m/secret": ("some ", Transient("truncated_stream"))}, prices=FLAT)
    result = await stage.run("a: {kind: proposer, model: m/secret, retry: {attempts: 1}}")
    assert [event.cost_usd for event in stage.heard(CallFailed)] == [None]
    assert result.cost_usd is None


async def test_call_that_does_not_fit_says_by_how_much() -> None:
    stage = Stage({"m/cheap": Completion(text="text", usage=usage(100, 100))}, prices=FLAT)
    nodes = "s: {kind: sample, model: m/cheap, samples: 9, max_tokens: 100}\nf: {kind: fallback, inputs: [s]}"
    result = await stage.run(nodes, limits=Limits(budget_usd=0.0005))
    refused = next(node for node in result.nodes if node.reason == "budget")
    assert "at most 0.0001" in refused.detail
    assert refused.attempts == 0
