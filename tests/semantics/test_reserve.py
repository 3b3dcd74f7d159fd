"""Section 4: one writer call is held back from the start, each attempt reserved before and settled after."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.errors import Transient, UsageError
from fusion_graph.events import CallFailed, CallStarted
from fusion_graph.messages import Call, Completion
from fusion_graph.pipeline import Limits
from tests.engine.stage import FLAT, Nap, Stage, entries, start, states, usage
from tests.graph.graphs import HEDGED_TWO
from tests.graph.walk import bound_of
from tests.semantics.test_budget import DOWN, GRAPH, TEXTS

# --- reserve and settle -----------------------------------------------------------------------------------------------


async def test_attempts_are_counted_at_run_time() -> None:
    # semantics 4: `max_calls` counts attempts at run time
    stage = Stage({"m/a": DOWN})
    result = await stage.run("a: {kind: proposer, model: m/a, retry: {attempts: 9}}", limits=Limits(max_calls=2))
    assert len(stage.asked) == 2
    assert states(result) == {"a": "failed budget"}


CHEAP = "a: {kind: proposer, model: m/cheap, max_tokens: 100%s}"


async def test_attempt_settles_before_the_next_reserves() -> None:
    # semantics 4: every attempt reserves (input + max_tokens) and settles (a connect error = 0) first
    refused = Transient("connection", "refused", sent=False)
    stage = Stage({"m/cheap": [refused, refused, "text"]}, prices=FLAT)
    dearer = CHEAP.replace("100", "10000")  # one attempt takes nearly all of the budget
    result = await stage.run(dearer % "", limits=Limits(budget_usd=0.0115))
    assert (result.text, result.state) == ("text", "ok")
    assert [event.cost_usd for event in stage.heard(CallFailed)] == [0.0, 0.0]


async def test_reported_cost_wins() -> None:
    # semantics 4: settles (reported cost, else estimate)
    reply = Completion(text="text", usage=usage(10, 10, cost=0.5))
    result = await Stage({"m/cheap": reply}, prices=FLAT).run(CHEAP % "")
    assert result.cost_usd == 0.5


async def test_price_table_comes_next() -> None:
    result = await Stage({"m/cheap": Completion(text="text", usage=usage(1000, 2000))}, prices=FLAT).run(CHEAP % "")
    assert result.cost_usd == pytest.approx(0.003)


async def test_unknown_price_is_unknown() -> None:
    # design 2: else `null`, never 0
    result = await Stage({"m/secret": "text"}, prices=FLAT).run("a: {kind: proposer, model: m/secret}")
    assert result.cost_usd is None


async def test_unknown_price_with_a_budget_is_refused() -> None:
    # semantics 4: unknown price with a budget: refused before spending
    stage = Stage({"*": "text"}, prices=FLAT)
    with pytest.raises(UsageError, match="price of m/secret is unknown") as caught:
        await stage.run("a: {kind: proposer, model: m/secret}", limits=Limits(budget_usd=1))
    assert caught.value.exit_code == 2
    assert stage.asked == []


async def test_free_backend_costs_nothing() -> None:
    # semantics 4: a backend may declare price 0; sim and local are 0
    stage = Stage({"*": "text"}, prices=FLAT, backend={"free": True})
    result = await stage.run("a: {kind: proposer, model: m/secret}", limits=Limits(budget_usd=0.01))
    assert (result.cost_usd, result.state) == (0.0, "ok")


TOO_LITTLE = [Limits(budget_usd=0.00005), Limits(max_calls=0), Limits(max_tokens=50)]


@pytest.mark.parametrize("limits", TOO_LITTLE)
async def test_hold_above_the_limit_is_refused(limits: Limits) -> None:
    # semantics 4: a hold alone above the limit is FG5xx. issue 2: refused before spending
    stage = Stage({"*": "text"}, prices=FLAT)
    with pytest.raises(UsageError) as caught:
        await stage.run(CHEAP % "", limits=limits)
    assert caught.value.exit_code == 2
    assert stage.asked == []


async def test_hold_is_bounded_by_the_drafts() -> None:
    # semantics 4: (prompt bounded by the drafts' `max_tokens`)
    nodes = """
        p: {kind: layer, models: [m/cheap, m/cheap], max_tokens: %d}
        w: {kind: synth, model: m/cheap, max_tokens: 10, inputs: [p]}
        """
    few, many = bound_of(nodes % 100), bound_of(nodes % 400_000)
    limits = Limits(budget_usd=0.5)
    stage = Stage({"*": "text"}, prices=FLAT)
    assert (await stage.run(few, limits=limits)).state == "ok"
    with pytest.raises(UsageError, match="too small"):
        await stage.run(many, limits=limits)


async def test_cancelled_call_settles_at_its_estimate() -> None:
    # semantics 4: a stream settles at its end, a cancelled one at its estimate
    stage = Stage({"m/dear": ("word " * 40, 1e6), "m/cheap": "text"}, prices=FLAT)
    await stage.run("p: {kind: layer, models: [m/dear, m/cheap], quorum: 1}\nf: {kind: fallback, inputs: [p]}")
    (cut,) = stage.heard(CallFailed)
    assert (cut.reason, cut.usage.estimated) == ("cancelled", True)
    assert cut.cost_usd
    assert cut.usage.completion_tokens == 50


async def test_lost_reply_with_reported_usage_costs_that() -> None:
    empty = Completion(text="", usage=usage(1000, 0))
    stage = Stage({"m/cheap": [empty, "text"]}, prices=FLAT)
    await stage.run(CHEAP % "")
    (lost,) = stage.heard(CallFailed)
    assert lost.reason == "empty_output"
    assert lost.cost_usd == pytest.approx(0.001)


# --- hedges -----------------------------------------------------------------------------------------------------------


async def test_hedge_arm_that_does_not_fit_is_not_launched() -> None:
    # semantics 4: each hedge arm reserves its own; an arm that does not fit is just not launched
    gate = asyncio.Event()
    stage = Stage({"m/1": (gate, "one"), "m/2": "two"})
    run = start(stage, HEDGED_TWO, limits=Limits(max_calls=1))
    await stage.sim.called("m/1")
    await stage.skip(4)
    gate.set()
    result = await run
    assert (result.text, result.state) == ("one", "ok")
    assert stage.asked == ["m/1"]


async def test_hedge_arm_that_fits_is_launched() -> None:
    stage = Stage({"m/1": (1e6,), "m/2": "two"})
    run = start(stage, HEDGED_TWO, limits=Limits(max_calls=2))
    await stage.sim.called("m/1")
    await stage.skip(4)
    assert (await run).text == "two"


async def test_tokens_are_a_limit_too() -> None:
    # design 3: calls, tokens and dollars
    stage = Stage(TEXTS)
    limits, top = Limits(max_tokens=1750), {"defaults": {"max_tokens": 100}}
    result = await stage.run(GRAPH % "", limits=limits, top=top)
    assert result.text == "answer"
    assert result.state == "degraded"
    assert "m/j" not in stage.asked


async def test_reservations_never_pass_the_limit() -> None:
    """However calls overlap, what is spent and what is in flight stay within the budget."""
    worst = 0.000105  # 100 tokens out, a few in
    stage = Stage({"m/cheap": Completion(text="text", usage=usage(5, 100))}, prices=FLAT)
    nodes = "s: {kind: sample, model: m/cheap, samples: 30, max_tokens: 100}\nf: {kind: fallback, inputs: [s]}"
    result = await stage.run(nodes, limits=Limits(budget_usd=10 * worst))
    assert result.cost_usd is not None
    assert result.cost_usd <= 10 * worst
    assert 5 <= len(stage.asked) <= 10
    assert result.state == "degraded"


async def test_prompt_reaches_the_reservation() -> None:
    """The longer the question, the fewer calls fit."""

    async def calls(question: str) -> int:
        stage = Stage({"m/cheap": Completion(text="x", usage=usage(1, 1))}, prices=FLAT)
        nodes = (
            "s: {kind: layer, models: [m/cheap, m/cheap, m/cheap], max_tokens: 100}\nf: {kind: fallback, inputs: [s]}"
        )
        await stage.run(nodes, text=question, limits=Limits(budget_usd=0.0003))
        return len(stage.heard(CallStarted))

    assert await calls("short") > await calls("long " * 1000)


async def test_judge_note_never_takes_the_hold() -> None:
    # semantics 4: the hold is the writer's
    stage = Stage(TEXTS)
    result = await stage.run(GRAPH % "", limits=Limits(max_calls=4))
    assert states(result)["judged"] == "failed budget"
    assert result.text == "answer"
    assert ("judged", "budget") in entries(result)


def echo(call: Call) -> str:
    return call.model


async def test_stop_is_one_cause() -> None:
    """Each call that the budget refused or cut is told once, with what was done instead."""
    stage = Stage({**TEXTS, "m/w": echo})
    result = await stage.run(GRAPH % "", limits=Limits(max_calls=3))
    assert sorted(entries(result)) == [("judged", "budget"), ("panel/c", "budget")]


async def test_wait_for_another_attempt_ends_with_the_budget() -> None:
    # semantics 4: closes the plan: what does not write and is not in flight ends, with its own error
    nap = Nap()
    gate = asyncio.Event()
    stage = Stage({**TEXTS, "m/a": DOWN, "m/b": (gate, "beta"), "m/c": "gamma"}, sleep=nap)
    late = "x: {kind: proposer, model: m/x, inputs: [b]}\n"
    run = start(
        stage,
        "a: {kind: proposer, model: m/a}\nb: {kind: proposer, model: m/b}\n"
        + late
        + "p: {kind: layer, members: [a, b, x]}\nw: {kind: synth, model: m/w, inputs: [p]}\n"
        + "f: {kind: fallback, inputs: [w, p]}",
        limits=Limits(max_calls=3),
    )
    await nap.asleep.wait()
    await stage.sim.called("m/b")
    gate.set()
    result = await run
    assert states(result)["a"] == "failed upstream_5xx"
    assert states(result)["x"] == "failed budget"
    assert result.text == "answer"


async def test_call_that_waits_for_a_slot_begins_nothing_after_a_stop() -> None:
    # semantics 4: only the held writer call may start
    gate = asyncio.Event()
    stage = Stage(
        {"m/a": (gate, "alpha"), "*": "text"}, others={"second": {"m/w": "answer"}}, backend={"max_concurrency": 1}
    )
    run = start(
        stage,
        "p: {kind: layer, models: [m/a, m/b, m/c@second, m/d@second]}\n"
        "w: {kind: synth, model: m/w@second, inputs: [p]}",
        limits=Limits(max_calls=2),
    )
    await stage.sim.called("m/a")
    await stage.until(lambda stage: any(getattr(e, "reason", "") == "budget" for e in stage.events))
    gate.set()
    result = await run
    assert stage.asked == ["m/a"]
    assert states(result)["p/b"] == "failed budget"
    assert result.text == "answer"
