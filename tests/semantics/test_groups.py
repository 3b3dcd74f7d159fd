"""Section 2 on whole runs: quorum, grace and the one list every consumer reads."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.errors import Permanent
from fusion_graph.events import GroupClosed
from tests.engine.stage import Stage, entries, grading, shown, start, states

BROKEN = Permanent("bad_request", "no", status=400)
PANEL = """
panel: {kind: layer, models: [m/a, m/b, m/c]%s}
first: {kind: synth, model: m/1, inputs: [panel]}
second: {kind: synth, model: m/2, inputs: [panel, first]}
final: {kind: fallback, inputs: [second, panel]}
"""


GRACED = """
panel: {kind: layer, models: [m/a, m/b, m/c], quorum: 2, grace_s: %s}
w: {kind: synth, model: m/w, inputs: [panel]}
"""


async def test_quorum_closes_once() -> None:
    # semantics 2: a quorum closes on the join node, once; its outcome is one immutable list; every consumer reads it
    gate = asyncio.Event()
    stage = Stage({"m/a": "alpha", "m/b": (gate, "beta"), "m/c": "gamma", "m/1": (gate, "one"), "m/2": "two"})
    nodes = PANEL.replace("panel, first", "panel, first, x") + "x: {kind: proposer, model: m/x, inputs: [panel/b]}"
    run = start(stage, nodes % ", quorum: 2", top={"output": "final"})
    await stage.sim.called("m/1")
    gate.set()
    await run
    (closed,) = [event for event in stage.heard(GroupClosed) if event.node == "panel"]
    assert closed.chosen == ("panel/a", "panel/c")
    assert set(shown(stage.sent("m/1")[0]).values()) == {"alpha", "gamma"}
    assert "beta" not in shown(stage.sent("m/2")[0]).values()


async def test_absent_quorum_waits_for_all_and_needs_one() -> None:
    # semantics 2: absent = wait for all, need one
    stage = Stage({"m/a": BROKEN, "m/b": BROKEN, "*": "text"})
    result = await stage.run(PANEL % "")
    assert states(result)["panel"] == "ok"
    assert result.text == "text"


async def test_quorum_all_needs_every_member() -> None:
    # semantics 2: `all` = every member
    result = await Stage({"m/b": BROKEN, "*": "text"}).run(PANEL % ", quorum: all")
    assert states(result)["panel"] == "failed quorum_not_met"
    assert result.state == "failed"


async def test_quorum_goes_on_after_its_grace() -> None:
    # semantics 2: `quorum: n` = go on with n (after `grace_s`); issue 2: one member stalled for a minute
    stage = Stage({"m/b": (60.0, "late"), "m/w": "answer", "*": "text"})
    result = await stage.run(GRACED % 0.01)
    assert result.text == "answer"
    assert entries(result) == [("panel/b", "late")]
    assert result.timing_s["total"] < 5


async def test_straggler_within_its_grace_counts() -> None:
    # semantics 2: after `grace_s`
    gate = asyncio.Event()
    stage = Stage({"m/b": (gate, "just in time"), "m/w": "answer", "*": "text"})
    run = start(
        stage,
        GRACED % 60,
    )
    await stage.only("m/b")
    gate.set()
    result = await run
    assert "just in time" in shown(stage.sent("m/w")[0]).values()
    assert result.state == "ok"


async def test_different_needs_take_two_groups() -> None:
    # semantics 2: needing different sets = two groups: both group the same nodes
    stage = Stage({"m/b": BROKEN, "m/s": "strict", "m/e": "easy", "*": "text"})
    result = await stage.run("""
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b}
        all: {kind: layer, members: [a, b], quorum: all}
        some: {kind: layer, members: [a, b], quorum: 1, grace_s: 60}
        strict: {kind: synth, model: m/s, inputs: [all]}
        easy: {kind: synth, model: m/e, inputs: [some]}
        final: {kind: fallback, inputs: [strict, easy]}
        """)
    assert states(result)["all"] == "failed quorum_not_met"
    assert states(result)["some"] == "ok"
    assert result.text == "easy"
    assert len(stage.sent("m/a")) == 1


@pytest.mark.parametrize(("texts", "pick", "winner"), [(("aa", "aaaa"), "longest", "aaaa"), (("x", "y"), "first", "x")])
async def test_pick_reduces_a_group(texts: tuple[str, str], pick: str, winner: str) -> None:
    # semantics 2: `pick` reducers; first = first usable in file order
    stage = Stage({"m/a": texts[0], "m/b": texts[1]})
    result = await stage.run(
        f"p: {{kind: layer, models: [m/a, m/b]}}\nfinal: {{kind: fallback, pick: {pick}, inputs: [p]}}"
    )
    assert result.text == winner


async def test_unrelated_slow_node_delays_nobody() -> None:
    # issue 2: an unrelated slow node never delays a ready one; readiness is per node, no waves
    gate = asyncio.Event()
    stage = Stage({"m/slow": (gate, "slow"), "*": "text"})
    run = start(stage, """
        slow: {kind: proposer, model: m/slow}
        a: {kind: proposer, model: m/a}
        b: {kind: proposer, model: m/b, inputs: [a]}
        c: {kind: proposer, model: m/c, inputs: [b]}
        w: {kind: synth, model: m/w, inputs: [slow, c]}
        """)  # fmt: skip
    await stage.sim.until(lambda sim: len(sim.received) == 4 and [c.model for c in sim.running] == ["m/slow"])
    gate.set()
    assert (await run).text == "text"


async def test_scores_pick_the_best_of_a_group() -> None:
    # semantics 2: `pick` defaults to `best_score` if it has such a judge
    stage = Stage({"m/a": ["poor", "great", "fair"], "m/j": grading(poor=2, great=9, fair=5)})
    result = await stage.run("""
        tries: {kind: sample, model: m/a, samples: 3}
        score: {kind: judge, mode: score, model: m/j, inputs: [tries]}
        final: {kind: fallback, inputs: [tries, score]}
        """)
    assert result.text == "great"
