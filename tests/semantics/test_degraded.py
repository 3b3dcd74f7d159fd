"""Section 1: `degraded` has one entry per root cause, and says what was done instead."""

from __future__ import annotations

import asyncio

from fusion_graph.errors import Permanent, Transient
from fusion_graph.messages import Completion
from tests.engine.stage import Stage, analysis, entries, start, states
from tests.graph.walk import NEVER

BROKEN = Permanent("bad_request", "no", status=400)
PANEL = """
panel: {kind: layer, models: [m/a, m/b]}
judged: {kind: judge, model: m/j, inputs: [panel]}
answer: {kind: synth, model: m/w, inputs: [panel, 'judged?']}
final: {kind: fallback, inputs: [answer, panel]}
"""


async def test_undisturbed_run_is_ok() -> None:
    stage = Stage({"m/j": analysis(), "*": "text"})
    result = await stage.run(PANEL)
    assert (result.state, result.degraded) == ("ok", ())


async def test_failed_member_is_one_entry() -> None:
    # semantics 1: a demanded node that failed; `action` names what was done instead
    result = await Stage({"m/a": BROKEN, "m/j": analysis(), "*": "text"}).run(PANEL)
    (entry,) = result.degraded
    assert (entry.node, entry.role, entry.model, entry.reason) == ("panel/a", "panel", "m/a", "bad_request")
    assert entry.action == "panel went on with 1 of 2"
    assert result.state == "degraded"


async def test_broken_judge_leaves_raw_drafts() -> None:
    # design 3: judge fails, synthesis goes on from raw drafts; one entry
    result = await Stage({"m/j": BROKEN, "m/w": "answer", "*": "text"}).run(PANEL)
    (entry,) = result.degraded
    assert (entry.node, entry.reason, entry.action) == ("judged", "bad_request", "answer went on without it")
    assert result.text == "answer"


async def test_broken_synth_leaves_the_best_draft() -> None:
    # design 3: synth fails, the best draft is returned
    result = await Stage({"m/j": analysis(), "m/w": BROKEN, "m/a": "first", "m/b": "second"}).run(PANEL)
    (entry,) = result.degraded
    assert (entry.node, entry.reason, entry.action) == ("answer", "bad_request", "final took panel")
    assert result.text == "first"
    assert result.state == "degraded"


async def test_what_follows_from_a_cause_is_no_entry() -> None:
    # semantics 1: a demanded node that failed, but not `upstream:`
    result = await Stage({"m/a": BROKEN, "m/last": "rescue", "*": "text"}).run("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b, inputs: [a]}
        c: {kind: synth, model: m/c, inputs: [b]}
        last: {kind: proposer, model: m/last}
        final: {kind: fallback, inputs: [c, last]}
        """)
    assert states(result)["c"] == "failed upstream:b"
    assert entries(result) == [("a", "bad_request")]


async def test_failed_group_is_told_beside_its_members() -> None:
    """Every member is a cause of its own; the group's failure says what became of them."""
    result = await Stage({"m/a": BROKEN, "m/b": BROKEN, "m/last": "rescue"}).run("""
        p: {kind: layer, models: [m/a, m/b]}
        w: {kind: synth, model: m/w, inputs: [p]}
        last: {kind: proposer, model: m/last}
        final: {kind: fallback, inputs: [w, last]}
        """)
    assert {entry.node for entry in result.degraded if entry.reason == "bad_request"} == {"p/a", "p/b"}
    assert ("w", "upstream:p") not in entries(result)


async def test_late_member_is_an_entry() -> None:
    # semantics 1: a member cut as late
    result = await Stage({"m/a": (asyncio.Event(),), "*": "text"}).run(
        "p: {kind: layer, models: [m/a, m/b], quorum: 1}\nw: {kind: synth, model: m/w, inputs: [p]}"
    )
    (entry,) = result.degraded
    assert (entry.node, entry.reason, entry.action) == ("p/a", "late", "p went on with 1 of 2")


async def test_alternate_that_answered_is_an_entry() -> None:
    # semantics 1: an alternate that answered
    result = await Stage({"m/a": BROKEN, "m/b": "other"}).run("a: {kind: proposer, model: m/a, alternates: [m/b]}")
    (entry,) = result.degraded
    assert (entry.node, entry.reason) == ("a", "bad_request")
    assert "m/b" in entry.action
    assert result.text == "other"


async def test_truncated_writer_is_an_entry() -> None:
    # semantics 1: a truncated writer; a truncated draft that is not the answer is none
    cut = Completion(text="cut", finish_reason="length")
    result = await Stage({"m/j": analysis(), "m/a": cut, "m/b": "fine", "m/w": cut}).run(PANEL)
    assert entries(result) == [("answer", "truncated")]


async def test_condition_that_skips_is_no_entry() -> None:
    # semantics 1: no entry for `when` skips
    nodes = PANEL.replace("'judged?']", "'judged?'], when: {params.go: {equals: true}}")
    result = await Stage({"m/j": analysis(), "*": "text"}).run(nodes, top={"params": NEVER})
    assert states(result)["answer"] == "skipped when"
    assert (result.state, entries(result)) == ("ok", [])


async def test_unused_option_is_no_entry() -> None:
    # semantics 1: no entry for `not_needed`
    stage = Stage({"*": "text"})
    nodes = "a: {kind: proposer, model: m/a}\nb: {kind: proposer, model: m/b}\nf: {kind: fallback, inputs: [a, b]}"
    result = await stage.run(nodes)
    assert states(result)["b"] == "skipped not_needed"
    assert result.state == "ok"


async def test_samples_not_drawn_are_no_entry() -> None:
    # semantics 1: no entry for samples not drawn after `stop`
    result = await Stage({"m/a": "7"}).run("""
        votes: {kind: sample, model: m/a, samples: 6, stop: {agree: 2}, extract: last_number}
        final: {kind: fallback, inputs: [votes]}
        """)
    assert states(result)["votes/3"] == "skipped not_needed"
    assert result.state == "ok"


async def test_hedge_loser_is_no_entry() -> None:
    # semantics 1: no entry for hedge losers
    result = await Stage({"m/1": (asyncio.Event(),), "m/2": "faster"}).run("""
        one: {kind: proposer, model: m/1}
        two: {kind: proposer, model: m/2}
        first: {kind: fallback, inputs: [one, two], hedge_after_s: 0.001}
        """)
    assert (result.state, result.text) == ("ok", "faster")


async def test_retry_that_helps_is_no_entry() -> None:
    """What a retry mended left no trace in the answer; the attempts stand in the trace."""
    stage = Stage({"m/a": [Transient("upstream_5xx", "x", status=500), "text"]})
    result = await stage.run("a: {kind: proposer, model: m/a}")
    assert result.state == "ok"
    assert result.nodes[0].attempts == 2


async def test_cancelled_by_a_failed_sibling_is_no_entry() -> None:
    """One root cause, one entry: what was withdrawn because of it is none."""
    gate = asyncio.Event()
    stage = Stage({"m/a": (gate, BROKEN), "m/b": (asyncio.Event(),), "m/last": "rescue"})
    run = start(stage, """
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b}
        c: {kind: synth, model: m/c, inputs: [a, b]}
        last: {kind: proposer, model: m/last}
        final: {kind: fallback, inputs: [c, last]}
        """)  # fmt: skip
    await stage.sim.called("m/b")
    gate.set()
    assert entries(await run) == [("a", "bad_request")]


async def test_empty_depth_is_degraded() -> None:
    # semantics 5: a depth that ends with nothing hands on the drafts of the depth before, degraded
    stage = Stage({"m/a": ["first", BROKEN], "m/w": "answer"})
    result = await stage.run("p: {kind: layer, models: [m/a], repeat: 2}\nw: {kind: synth, model: m/w, inputs: [p]}")
    assert result.state == "degraded"
    assert ("p/a", "bad_request") in entries(result)
    assert "first" in stage.prompt("m/w")


async def test_entry_never_holds_an_address_or_key() -> None:
    result = await Stage({"m/a": BROKEN, "m/j": analysis(), "*": "text"}).run(PANEL)
    assert "http" not in repr(result.degraded)
