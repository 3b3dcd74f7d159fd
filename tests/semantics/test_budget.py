"""Section 4: budget, calls and tokens: what happens when they are spent."""

from __future__ import annotations

import asyncio

from fusion_graph.errors import Permanent, Transient
from fusion_graph.pipeline import Limits
from tests.engine.stage import Stage, analysis, critique, shown, start, states

BROKEN = Permanent("bad_request", "no", status=400)
DOWN = Transient("upstream_5xx", "status 503", status=503)
PANEL = "panel: {kind: layer, models: [m/a, m/b, m/c]%s}\n"
GRAPH = (
    PANEL + "judged: {kind: judge, model: m/j, inputs: [panel]}\n"
    "answer: {kind: synth, model: m/w, inputs: [panel, judged]}\n"
    "final: {kind: fallback, inputs: [answer, panel]}\n"
)
TEXTS = {"m/a": "alpha", "m/b": "beta", "m/c": "gamma", "m/j": analysis(), "m/w": "answer"}


async def test_writer_call_is_held_back() -> None:
    # semantics 4: the worst case of one writer call and one of `max_calls` are held back from the start; the rest is
    # admitted against what remains. issue 2: the held writer call still answers from what is there, degraded
    stage = Stage(TEXTS)
    result = await stage.run(GRAPH % "", limits=Limits(max_calls=3))
    assert result.text == "answer"
    assert stage.asked == ["m/a", "m/b", "m/w"]
    assert sorted(shown(stage.sent("m/w")[0]).values()) == ["alpha", "beta"]
    assert states(result)["panel/c"] == "failed budget"
    assert result.state == "degraded"


async def test_enough_is_enough() -> None:
    stage = Stage(TEXTS)
    result = await stage.run(GRAPH % "", limits=Limits(max_calls=5))
    assert result.state == "ok"
    assert len(stage.asked) == 5


async def test_call_that_does_not_fit_is_not_retried() -> None:
    # semantics 4: a call that does not fit fails `budget`, is not retried and closes the plan, reason `budget`
    stage = Stage(TEXTS)
    result = await stage.run(GRAPH.replace("m/c]", "m/c], retry: {attempts: 9}") % "", limits=Limits(max_calls=3))
    assert stage.naps == []
    assert states(result)["panel/c"] == "failed budget"
    assert states(result)["judged"] == "cancelled budget"


async def test_calls_in_flight_finish() -> None:
    # semantics 4: calls in flight finish (they are reserved)
    gate = asyncio.Event()
    stage = Stage({**TEXTS, "m/a": (gate, "alpha"), "m/b": (gate, "beta")})
    run = start(stage, GRAPH % "", limits=Limits(max_calls=3))
    await stage.until(lambda stage: any(getattr(e, "reason", "") == "budget" for e in stage.events))
    assert [call.model for call in stage.sim.running] == ["m/a", "m/b"]
    gate.set()
    result = await run
    assert stage.sim.cancelled == []
    assert sorted(shown(stage.sent("m/w")[0]).values()) == ["alpha", "beta"]
    assert result.text == "answer"


async def test_only_the_held_writer_call_may_start() -> None:
    # semantics 4: only the held writer call may start; after a budget stop only the held writer call (section 1)
    stage = Stage(TEXTS)
    await stage.run(GRAPH % "", limits=Limits(max_calls=2))
    assert stage.asked == ["m/a", "m/w"]


async def test_held_call_that_fails_leaves_the_first_settled_option() -> None:
    # semantics 4: if that fails too, the output takes the first option already settled, degraded
    stage = Stage({**TEXTS, "m/w": DOWN})
    result = await stage.run(GRAPH % "", limits=Limits(max_calls=3))
    assert result.text == "alpha"
    assert stage.asked == ["m/a", "m/b", "m/w"]
    assert result.state == "degraded"


async def test_budget_stop_never_starts_a_paid_alternative() -> None:
    # semantics 4: a budget stop never starts a paid alternative
    nodes = (GRAPH + "other: {kind: proposer, model: m/o}").replace("[answer, panel]}", "[answer, other, panel]}")
    stage = Stage({**TEXTS, "m/w": BROKEN, "m/o": "paid"})
    result = await stage.run(nodes % "", limits=Limits(max_calls=3), top={"output": "final"})
    assert stage.sent("m/o") == []
    assert result.text == "alpha"


async def test_nothing_usable_fails_with_the_work_reported() -> None:
    # semantics 4: none: failed, exit 4. issue 2: nothing usable: exit 4 with the work reported
    stage = Stage({**TEXTS, "m/a": BROKEN, "m/b": BROKEN, "m/w": BROKEN})
    result = await stage.run(GRAPH % "", limits=Limits(max_calls=3))
    assert result.state == "failed"
    assert result.error
    assert (result.error.reason, result.error.exit_code) == ("budget", 4)
    assert "panel/a" in result.error.message
    assert sum(node.attempts for node in result.nodes) == len(stage.asked)


async def test_group_settles_with_one() -> None:
    # semantics 4: closes the plan as above: each unsettled group settles with what is usable
    stage = Stage(TEXTS)
    result = await stage.run(GRAPH % ", quorum: all", limits=Limits(max_calls=3))
    assert states(result)["panel"] == "ok"
    assert result.text == "answer"


async def test_refine_not_yet_rewriting_hands_its_parent_on() -> None:
    # semantics 4 (3), as above: the critique was the last call that fitted
    stage = Stage({"m/p": "parent", "m/r": [critique("weak"), "rewritten"], "m/x": "extra"})
    result = await stage.run(
        "p: {kind: proposer, model: m/p}\nr: {kind: refine, model: m/r, inputs: [p]}\n"
        "f: {kind: fallback, inputs: [r, p]}",
        limits=Limits(max_calls=2),
    )
    assert result.text == "parent"
    assert len(stage.sent("m/r")) == 1
    assert result.state == "degraded"


CHAIN = """
z: {kind: proposer, model: m/z}
a: {kind: proposer, model: m/a, inputs: [z]}
b: {kind: proposer, model: m/b, inputs: [a]}
w: {kind: synth, model: m/w, inputs: [b]}
"""


async def test_a_call_that_ends_the_spending_cancels_nobody_who_asked() -> None:
    """The node that finds no room closes the run in its own name: the plan wants it no more, and it fails as it is."""
    stage = Stage({"*": "text"})
    result = await stage.run(CHAIN, top={"limits": {"max_calls": 2}})
    assert result.error
    assert result.error.reason == "budget"
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)  # where a cancellation that stood open would come


async def test_what_is_there_is_used_when_a_later_call_ends_the_spending() -> None:
    stage = Stage({"*": "text"})
    result = await stage.run(f"{CHAIN}f: {{kind: fallback, inputs: [w, z]}}", top={"limits": {"max_calls": 2}})
    assert result.answer is not None
    assert result.answer.node == "z"
    assert result.state == "degraded"
