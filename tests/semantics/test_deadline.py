"""Section 4: at `deadline_s - reserve_s` the plan closes once; at `deadline_s` all calls end."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.errors import Permanent, PipelineError, Transient
from fusion_graph.events import GroupClosed, NodeFinished, TextDelta
from fusion_graph.pipeline import Limits
from tests.engine.stage import Nap, Stage, analysis, critique, entries, shown, start, states
from tests.graph.walk import bound_of

BROKEN = Permanent("bad_request", "no", status=400)
DOWN = Transient("upstream_5xx", "status 503", status=503)
NEVER = (1e6,)  # seconds
LIMITS = Limits(deadline_s=10, reserve_s=4)
PANEL = "panel: {kind: layer, models: [m/a, m/b, m/c]}\n"
GRAPH = (
    PANEL + "judged: {kind: judge, model: m/j, inputs: [panel]}\n"
    "answer: {kind: synth, model: m/w, inputs: [panel, judged]%s}\n"
    "polish: {kind: refine, model: m/r, inputs: [answer]}\n"
    "final: {kind: fallback, inputs: [polish, answer, panel]}\n"
)
SIMPLE = GRAPH.replace("[polish, answer", "[answer").replace(
    "polish: {kind: refine, model: m/r, inputs: [answer]}\n", ""
)
FAST = {"m/a": "alpha", "m/b": "beta", "m/c": "gamma"}


# --- the close --------------------------------------------------------------------------------------------------------


async def test_groups_settle_with_what_is_usable() -> None:
    # semantics 4 (1): each unsettled group settles with what is usable (>= 1 suffices)
    stage = Stage({"m/a": NEVER, "m/b": "beta", "m/c": NEVER, "m/w": "answer"})
    run = start(stage, SIMPLE.replace("m/c]}", "m/c], quorum: all}") % "", limits=LIMITS)
    await stage.only("m/a", "m/c")
    await stage.skip(6)
    result = await run
    assert result.text == "answer"
    assert list(shown(stage.sent("m/w")[0]).values()) == ["beta"]
    assert states(result)["panel/a"] == states(result)["panel/c"] == "cancelled deadline"
    assert {("panel/a", "deadline"), ("panel/c", "deadline")} <= set(entries(result))


async def test_group_with_nothing_fails() -> None:
    # semantics 4 (1): else failed `deadline`; (5) none = failed, exit 4, 504
    stage = Stage({"m/a": NEVER, "m/b": NEVER, "m/c": NEVER})
    run = start(stage, SIMPLE % "", limits=LIMITS)
    await stage.only("m/a", "m/b", "m/c")
    await stage.skip(6)
    result = await run
    assert states(result)["panel"] == "failed deadline"
    assert result.state == "failed"
    assert result.error
    assert (result.error.exit_code, result.error.http_status) == (4, 504)


async def test_timers_of_groups_die() -> None:
    # semantics 4 (1): its timers die: the group closes now, not after its grace
    stage = Stage({"m/a": "alpha", "m/b": NEVER, "m/c": "gamma", "m/w": "answer"})
    run = start(stage, SIMPLE.replace("m/c]}", "m/c], quorum: 2, grace_s: 9}") % "", limits=LIMITS)
    await stage.only("m/b")
    await stage.skip(6)
    result = await run
    assert result.text == "answer"
    assert stage.heard(GroupClosed)[0].chosen == ("panel/a", "panel/c")


async def test_inner_groups_settle_first() -> None:
    # semantics 4: in graph order
    stage = Stage({"m/a": "alpha", "m/b": NEVER, "m/x": NEVER, "m/w": "answer"})
    run = start(
        stage,
        "inner: {kind: layer, models: [m/a, m/b]}\nx: {kind: proposer, model: m/x}\n"
        "outer: {kind: layer, members: [inner, x]}\nw: {kind: synth, model: m/w, inputs: [outer]}",
        limits=LIMITS,
    )
    await stage.only("m/b", "m/x")
    await stage.skip(6)
    assert (await run).text == "answer"
    assert list(shown(stage.sent("m/w")[0]).values()) == ["alpha"]


async def test_calls_that_do_not_write_are_cancelled() -> None:
    # semantics 4 (2): every other call that is not in W is cancelled `deadline`; absent for its consumers, even if bare
    stage = Stage({**FAST, "m/j": NEVER, "m/w": "answer"})
    run = start(stage, SIMPLE % "", limits=LIMITS)
    await stage.only("m/j")
    await stage.skip(6)
    result = await run
    assert states(result)["judged"] == "cancelled deadline"
    assert result.text == "answer"
    assert entries(result) == [("judged", "deadline")]
    assert [call.model for call in stage.sim.cancelled] == ["m/j"]


async def test_condition_on_a_cut_node_is_false() -> None:
    stage = Stage({**FAST, "m/j": NEVER})
    run = start(stage, SIMPLE % ", when: {judged.contradictions: {equals: 0}}", limits=LIMITS)
    await stage.only("m/j")
    await stage.skip(6)
    result = await run
    assert states(result)["answer"] == "skipped when"
    assert result.text == "alpha"


async def test_refine_that_critiques_hands_its_parent_on() -> None:
    # semantics 4 (3): a refine not yet rewriting hands its parent on
    stage = Stage({**FAST, "m/j": analysis(), "m/w": "answer", "m/r": NEVER})
    run = start(stage, GRAPH % "", limits=LIMITS)
    await stage.only("m/r")
    await stage.skip(6)
    result = await run
    assert result.text == "answer"
    assert states(result)["polish"] == "ok"
    assert result.state == "degraded"


async def test_refine_that_has_not_begun_hands_its_parent_on() -> None:
    # semantics 4 (3): it begins no critique, and no rewrite without one
    gate = asyncio.Event()
    stage = Stage({**FAST, "m/j": analysis(), "m/w": (gate, "answer"), "m/r": critique("weak")})
    run = start(stage, GRAPH % "", limits=LIMITS)
    await stage.only("m/w")
    await stage.skip(6)
    gate.set()
    assert (await run).text == "answer"
    assert stage.sent("m/r") == []


async def test_refine_that_rewrites_goes_on() -> None:
    # semantics 4 (3), (4): W nodes needed by the output start or go on
    gate = asyncio.Event()
    stage = Stage({**FAST, "m/j": analysis(), "m/w": "answer", "m/r": [critique("weak"), (gate, "polished")]})
    run = start(stage, GRAPH % "", limits=LIMITS)
    await stage.sim.called("m/r", 2)
    await stage.skip(6)
    gate.set()
    assert (await run).text == "polished"


async def test_running_writer_goes_on() -> None:
    # semantics 4 (4): W nodes needed by the output go on
    gate = asyncio.Event()
    stage = Stage({**FAST, "m/j": analysis(), "m/w": (gate, "answer")})
    run = start(stage, SIMPLE % "", limits=LIMITS)
    await stage.only("m/w")
    await stage.skip(6)
    gate.set()
    result = await run
    assert (result.text, result.state) == ("answer", "ok")


async def test_writer_has_one_attempt_then() -> None:
    # semantics 4 (4): one attempt: no retry, no alternate
    gate = asyncio.Event()
    stage = Stage({**FAST, "m/j": analysis(), "m/w": (gate, DOWN), "m/z": "alternate"})
    run = start(stage, SIMPLE % ", alternates: [m/z]", limits=LIMITS)
    await stage.only("m/w")
    await stage.skip(6)
    gate.set()
    result = await run
    assert result.text == "alpha"
    assert len(stage.sent("m/w")) == 1
    assert stage.sent("m/z") == []


async def test_writer_between_two_attempts_makes_one_more() -> None:
    # semantics 4 (4): a writer that waits for its next attempt goes on
    nap = Nap()
    stage = Stage({**FAST, "m/j": analysis(), "m/w": [DOWN, "answer"]}, sleep=nap)
    run = start(stage, SIMPLE % "", limits=LIMITS)
    await nap.asleep.wait()
    await stage.skip(6)
    nap.wake()
    assert (await run).text == "answer"


async def test_nothing_is_hedged_then() -> None:
    # semantics 4 (4): no hedge
    gate = asyncio.Event()
    stage = Stage({"m/1": (gate, "one"), "m/2": "two"})
    nodes = "one: {kind: proposer, model: m/1}\ntwo: {kind: proposer, model: m/2}\n"
    run = start(stage, nodes + "f: {kind: fallback, inputs: [one, two], hedge_after_s: 7}", limits=LIMITS)
    await stage.sim.called("m/1")
    await stage.skip(6)
    await stage.skip(2)
    gate.set()
    assert (await run).text == "one"
    assert stage.sent("m/2") == []


async def test_writer_has_all_the_time_that_is_left() -> None:
    # semantics 4 (4): total = time left
    gate = asyncio.Event()
    stage = Stage({**FAST, "m/j": analysis(), "m/w": ("an", gate, "swer")})
    long = ", timeout: {total_s: 3}"
    run = start(stage, SIMPLE.replace("m/w,", f"m/w{long},") % "", limits=LIMITS)
    await stage.only("m/w")
    await stage.skip(2)
    await stage.skip(0)
    assert not run.done()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    again = Stage({"m/a": NEVER, "m/b": "beta", "m/c": NEVER, "m/w": ("an", gate, "swer")})
    run = start(again, SIMPLE.replace("m/w,", f"m/w{long},") % "", limits=LIMITS)
    await again.only("m/a", "m/c")
    await again.skip(6)
    await again.only("m/w")
    await again.skip(3.5)
    gate.set()
    assert (await run).text == "answer"


# --- the end ----------------------------------------------------------------------------------------------------------


async def test_at_the_deadline_the_first_settled_option_is_taken() -> None:
    # semantics 4 (5): at `deadline_s` all calls end: nothing sent yet = the first settled usable option, degraded
    stage = Stage({**FAST, "m/j": analysis(), "m/w": "answer", "m/r": [critique("weak"), NEVER]})
    run = start(stage, GRAPH % "", limits=LIMITS)
    await stage.sim.called("m/r", 2)
    await stage.skip(6)
    assert not run.done()
    await stage.skip(4)
    result = await run
    assert result.text == "answer"
    assert entries(result) == [("polish", "deadline")]
    assert result.state == "degraded"


async def test_at_the_deadline_a_group_may_be_taken() -> None:
    # semantics 4 (5): the first settled usable option
    stage = Stage({**FAST, "m/j": analysis(), "m/w": NEVER})
    run = start(stage, SIMPLE % "", limits=LIMITS)
    await stage.only("m/w")
    await stage.skip(10)
    result = await run
    assert result.text == "alpha"
    assert states(result)["answer"] == "cancelled deadline"


async def test_at_the_deadline_with_nothing_the_run_fails() -> None:
    # semantics 4 (5): none = failed, exit 4, 504
    stage = Stage({"m/w": NEVER})
    run = start(stage, "w: {kind: proposer, model: m/w}", limits=LIMITS)
    await stage.sim.called("m/w")
    await stage.skip(10)
    result = await run
    assert result.error
    assert (result.error.reason, result.error.exit_code, result.error.http_status) == ("deadline", 4, 504)
    assert states(result) == {"w": "cancelled deadline"}


async def test_stream_that_has_begun_ends_in_an_error() -> None:
    # semantics 4 (5): a stream that has begun = error event
    stage = Stage({**FAST, "m/j": analysis(), "m/w": ("Hel", asyncio.Event())})
    run = start(stage, SIMPLE % "", limits=LIMITS, stream=True)
    await stage.until(lambda stage: stage.streamed == "Hel")
    await stage.skip(10)
    result = await run
    assert result.state == "failed"
    assert [event.text for event in stage.heard(TextDelta)] == ["Hel"]
    assert result.error
    assert result.error.http_status == 504


async def test_plan_closes_once() -> None:
    # semantics 4: the plan closes once
    gate = asyncio.Event()
    stage = Stage({**FAST, "m/j": NEVER, "m/w": (gate, "answer")})
    run = start(stage, SIMPLE % "", limits=LIMITS)
    await stage.only("m/j")
    await stage.skip(6)
    await stage.only("m/w")
    await stage.skip(2)
    gate.set()
    await run
    ends = [event.node for event in stage.heard(NodeFinished)]
    assert len(ends) == len(set(ends))


async def test_run_in_time_is_untouched() -> None:
    stage = Stage({**FAST, "m/j": analysis(), "m/w": "answer"})
    result = await stage.run(SIMPLE % "", limits=LIMITS)
    assert result.state == "ok"


def test_reserve_must_leave_time() -> None:
    # semantics 4: FG5xx: reserve_s >= deadline_s
    with pytest.raises(PipelineError, match="FG502"):
        bound_of("w: {kind: proposer, model: m/w}", limits={"deadline_s": 300, "reserve_s": 300})


async def test_repair_of_the_answer_ends_with_the_run() -> None:
    """The one repair call for a broken request contract is bound by the deadline too."""
    from fusion_graph.messages import Sampling

    wanted = Sampling(response_format={"type": "json_object"})
    stage = Stage({**FAST, "m/j": analysis(), "m/w": [BROKEN, NEVER]})
    run = start(stage, SIMPLE % "", limits=LIMITS, writer=wanted)
    await stage.sim.called("m/w", 2)
    await stage.skip(10)
    result = await asyncio.wait_for(run, 5)
    assert result.state == "failed"
