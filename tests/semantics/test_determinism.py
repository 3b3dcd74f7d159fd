"""Section 1: same seed and replies give the same answer wherever the file asks no clock."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from fusion_graph.engine.report import RunResult
from fusion_graph.errors import Permanent
from fusion_graph.events import Event, GroupClosed, NodeFinished, NodeReady, NodeStarted
from fusion_graph.messages import Call
from tests.engine.stage import Stage, analysis, shown, start
from tests.graph.walk import bound_of

PANEL = """
panel: {kind: layer, models: [m/a, m/b, m/c]}
judged: {kind: judge, model: m/j, inputs: [panel]}
answer: {kind: synth, model: m/w, inputs: [panel, 'judged?']}
final: {kind: fallback, inputs: [answer, panel]}
"""
MEMBERS = ("m/a", "m/b", "m/c")


def written(call: Call) -> str:
    """A writer whose text is what it was shown, so that any difference in the prompt is one in the answer."""
    return " ".join(f"{label}={text}" for label, text in shown(call).items())


async def arriving(order: tuple[str, ...], *, broken: str = "", seed: int | None = None) -> tuple[Stage, RunResult]:
    """The panel's replies in this order."""
    gates = {model: asyncio.Event() for model in MEMBERS}
    said = {m: (gates[m], Permanent("bad_request") if m == broken else f"says {m}") for m in MEMBERS}
    stage = Stage({**said, "m/j": analysis(), "m/w": written})
    run = start(stage, bound_of(PANEL), seed=seed)
    for model in order:
        await stage.sim.called(model)
        gates[model].set()
        await stage.answered(model)
    return stage, await run


@pytest.mark.parametrize("broken", ["", "m/b"])
async def test_order_of_arrival_changes_nothing(broken: str) -> None:
    # semantics 1: same seed and replies: same answer, same labels, same order of drafts
    found = set()
    for order in itertools.permutations(MEMBERS):
        stage, result = await arriving(order, broken=broken, seed=3)
        judge, writer = stage.sent("m/j")[0], stage.sent("m/w")[0]
        found.add((result.text, tuple(shown(judge).items()), tuple(shown(writer).items()), result.state))
    assert len(found) == 1


async def test_drafts_stand_in_member_order() -> None:
    # semantics 1: drafts in a join stand in member order
    for order in itertools.permutations(MEMBERS):
        stage, result = await arriving(order)
        (closed,) = [event for event in stage.heard(GroupClosed) if event.node == "panel"]
        assert closed.chosen == ("panel/a", "panel/b", "panel/c")
        assert [draft.node for draft in result.drafts][:3] == ["panel/a", "panel/b", "panel/c"]


async def test_event_order_per_node_is_the_same() -> None:
    # design 3: same event order per node, whatever finishes first
    def of_node(stage: Stage, node: str) -> list[type[Event]]:
        return [type(event) for event in stage.events if getattr(event, "node", "") == node]

    one, _ = await arriving(("m/a", "m/b", "m/c"))
    two, _ = await arriving(("m/c", "m/b", "m/a"))
    for node in ("panel/a", "panel/b", "panel/c", "panel", "judged", "answer", "final"):
        assert of_node(one, node) == of_node(two, node)
    assert of_node(one, "panel/a")[:2] == [NodeReady, NodeStarted]
    assert of_node(one, "panel/a")[-1] is NodeFinished


async def test_another_seed_is_another_order() -> None:
    """The order is the seed's, not the file's: some seed differs."""
    answers = {(await arriving(MEMBERS, seed=seed))[1].text for seed in range(6)}
    assert len(answers) > 1


async def test_another_conversation_is_another_order() -> None:
    # semantics 2: seeded by (seed, digest of the conversation)
    answers = set()
    for n in range(6):
        stage = Stage({**{m: f"says {m}" for m in MEMBERS}, "m/j": analysis(), "m/w": written})
        answers.add((await stage.run(PANEL, text=f"Why {n}?", seed=1)).text)
    assert len(answers) > 1


async def test_clock_decisions_are_recorded() -> None:
    # semantics 1: clock decisions (members in a join, hedge winner) are recorded in the join's or fallback's row
    stage = Stage({"m/a": (asyncio.Event(),), "m/b": "beta", "m/w": "answer"})
    await stage.run("p: {kind: layer, models: [m/a, m/b], quorum: 1}\nw: {kind: synth, model: m/w, inputs: [p]}")
    (closed,) = stage.heard(GroupClosed)
    assert (closed.node, closed.chosen, closed.late) == ("p", ("p/b",), ("p/a",))
    hedged = Stage({"m/1": (asyncio.Event(),), "m/2": "faster"})
    await hedged.run("""
        one: {kind: proposer, model: m/1}
        two: {kind: proposer, model: m/2}
        first: {kind: fallback, inputs: [one, two], hedge_after_s: 0.001}
        """)
    (won,) = hedged.heard(GroupClosed)
    assert (won.node, won.chosen) == ("first", ("two",))


async def test_early_stop_is_tested_at_boundaries_only() -> None:
    # semantics 1: `stop` is tested at window boundaries only, over samples in index order
    gates = [asyncio.Event() for _ in range(3)]
    turn = iter(range(3))

    async def sample(_call: Call) -> str:
        n = next(turn)
        await gates[n].wait()
        return ("7", "7", "8")[n]

    stage = Stage({"m/a": sample})
    run = start(stage, """
        votes: {kind: sample, model: m/a, samples: 6, window: 3, stop: {agree: 2}, extract: last_number}
        final: {kind: fallback, inputs: [votes]}
        """)  # fmt: skip
    await stage.sim.called("m/a", 3)
    gates[1].set()
    gates[0].set()
    await stage.sim.until(lambda sim: len(sim.running) == 1)
    gates[2].set()
    result = await run
    assert [draft.text for draft in result.drafts] == ["7", "7", "8"]
    assert stage.sim.cancelled == []


async def test_repeated_runs_share_nothing() -> None:
    """One Fusion, the same run twice: the same answer, the same prompts but for the fence."""
    stage = Stage({**{m: f"says {m}" for m in MEMBERS}, "m/j": analysis(), "m/w": written})
    first, second = await stage.run(PANEL, seed=5), await stage.run(PANEL, seed=5)
    assert first.text == second.text
    one, two = stage.sent("m/w")
    assert shown(one) == shown(two)
    assert one.messages != two.messages  # the fence is random per run
