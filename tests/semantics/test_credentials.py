"""Section 1: missing and refused keys."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.contracts import Backend, Provider
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Prices
from fusion_graph.engine.request import ask
from fusion_graph.errors import Permanent, UsageError
from fusion_graph.events import CallStarted
from fusion_graph.providers.sim import SimClient
from tests.engine.stage import Stage, entries, states
from tests.graph.walk import bound_of

REFUSED = Permanent("auth_failed", "the key was refused (status 401)", status=401)
PANEL = """
panel: {kind: layer, models: [m/a, m/b, m/c@second], quorum: 1}
answer: {kind: synth, model: m/w@second, inputs: [panel]}
final: {kind: fallback, inputs: [answer, panel]}
"""
TWO = """
a: {kind: proposer, model: m/a}
b: {kind: proposer, model: m/b}
f: {kind: fallback, inputs: [a, b]}
"""


async def test_missing_key_is_refused_before_the_run() -> None:
    # semantics 1: a missing key is refused before the run (exit 2)
    sim = SimClient({"*": "text"})
    provider = Provider(name="keyed", summary="", open=lambda _backend: sim, needs_key=True)
    backends = {"main": Backend(name="main", provider="keyed")}
    async with Fusion(
        providers={"keyed": provider}, backends=backends, default_backend="main", prices=Prices({})
    ) as fusion:
        with pytest.raises(UsageError, match="needs a key") as caught:
            await fusion.run(bound_of("a: {kind: proposer, model: m/a}"), ask("Why?"))
    assert caught.value.exit_code == 2
    assert sim.received == []


async def test_refused_key_is_never_retried() -> None:
    # semantics 1: in a run, 401/403 is never retried
    stage = Stage({"m/a": REFUSED})
    result = await stage.run("a: {kind: proposer, model: m/a, retry: {attempts: 5}}")
    assert stage.asked == ["m/a"]
    assert states(result) == {"a": "failed auth_failed"}


async def test_refused_key_opens_the_breaker() -> None:
    # semantics 1: it opens the breaker of that (origin, key): nobody asks that backend again
    stage = Stage({"m/a": REFUSED, "*": "text"})
    result = await stage.run(TWO.replace("m/b}", "m/b, after: [a]}").replace("[a, b]}", "[b, a]}"))
    assert stage.asked == ["m/a"]
    assert states(result)["b"] == "failed auth_failed"


async def test_other_backends_go_on() -> None:
    # semantics 1: the breaker is that backend's alone; the failure is always in `degraded`
    stage = Stage({"m/a": REFUSED, "m/b": REFUSED}, others={"second": {"m/c": "draft", "m/w": "answer"}})
    result = await stage.run(PANEL.replace("quorum: 1", "quorum: 1, grace_s: 5"))
    assert result.text == "answer"
    assert ("panel/a", "auth_failed") in entries(result)
    assert result.state == "degraded"


async def test_breaker_outlives_the_run_until_it_cools() -> None:
    """One real call may try again after a while, nobody before."""
    now = [0.0]
    stage = Stage({"m/a": [REFUSED, "text"]}, clock=lambda: now[0])
    bound = bound_of("a: {kind: proposer, model: m/a}")
    await stage.run(bound)
    now[0] = 1.0
    assert (await stage.run(bound)).state == "failed"
    assert len(stage.asked) == 1
    now[0] = 60.0
    assert (await stage.run(bound)).text == "text"


async def test_refused_key_fails_that_node_only() -> None:
    # semantics 1: fails that node, reason `auth_failed`
    stage = Stage({"m/a": "alpha", "m/w": REFUSED})
    result = await stage.run("""
        a: {kind: proposer, model: m/a}
        w: {kind: synth, model: m/w, inputs: [a]}
        final: {kind: fallback, inputs: [w, a]}
        """)
    assert result.text == "alpha"
    assert entries(result) == [("w", "auth_failed")]


async def test_all_members_refused_fails_the_run() -> None:
    # semantics 1: all members failed so = run failed; every member's own error is named, nothing is invented
    stage = Stage({"*": REFUSED})
    result = await stage.run("panel: {kind: layer, models: [m/a, m/b]}\nw: {kind: synth, model: m/w, inputs: [panel]}")
    assert result.state == "failed"
    assert result.answer is None
    assert result.error
    assert result.error.exit_code == 1
    assert "panel/a" in result.error.message
    assert "refused" in result.error.message
    assert all(event.model in ("m/a", "m/b") for event in stage.heard(CallStarted))


async def test_alternate_on_another_backend_may_answer() -> None:
    stage = Stage({"m/a": REFUSED}, others={"second": {"m/a": "from the second"}})
    result = await stage.run("a: {kind: proposer, model: m/a, alternates: [m/a@second]}")
    assert result.text == "from the second"
    assert entries(result) == [("a", "auth_failed")]


async def test_after_a_cancel_nothing_starts() -> None:
    # semantics 1: after a cancel nothing starts
    stage = Stage({"m/a": (asyncio.Event(),), "*": "text"})
    run = asyncio.create_task(stage.run(TWO))
    await stage.sim.called("m/a")
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert stage.asked == ["m/a"]


async def test_missing_right_is_no_refused_key() -> None:
    """A 403 of one model (no access to it) does not silence the others. wire contract, faults."""
    stage = Stage({"m/a": Permanent("forbidden", "no access", status=403), "m/b": "text"})
    result = await stage.run(TWO)
    assert result.text == "text"
