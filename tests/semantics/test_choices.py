"""Section 3: answers that are chosen: groups, hedges, verbatim texts, and several of one writer (n > 1)."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.errors import PipelineError
from fusion_graph.events import TextDelta
from fusion_graph.providers.sim import Reply
from tests.engine.stage import Stage, choosing, entries, grading, start, states
from tests.graph.walk import bound_of
from tests.semantics.test_streaming import ANSWER, BROKEN, FINAL, PANEL, TEXTS

# --- groups, hedges, verbatim -----------------------------------------------------------------------------------------


async def test_group_option_is_sent_whole() -> None:
    # semantics 3, table: fallback, group option: whole text of the picked draft, never streamed from a member
    gate = asyncio.Event()
    stage = Stage({"m/a": ("alpha", gate, " draft"), "m/b": "beta draft"})
    run = start(stage, PANEL + "final: {kind: fallback, inputs: [panel]}", stream=True)
    await stage.sim.until(lambda sim: len(sim.received) == 2 and len(sim.running) == 1)
    assert stage.heard(TextDelta) == []
    gate.set()
    result = await run
    assert (stage.streamed, stage.whole) == ("", [result.text])


HEDGED = """
one: {kind: proposer, model: m/1%s}
two: {kind: proposer, model: m/2%s}
first: {kind: fallback, inputs: [one, two], hedge_after_s: 0.001}
"""


async def test_first_content_of_any_runner_wins() -> None:
    # semantics 3, table: fallback with `hedge_after_s`, live: first content of any runner wins, losers withdrawn
    gate = asyncio.Event()
    stage = Stage({"m/1": (asyncio.Event(), "never"), "m/2": ("fast", gate, "er")})
    run = start(stage, HEDGED % ("", ""), stream=True)
    await stage.until(lambda stage: stage.streamed == "fast")
    await stage.only("m/2")
    gate.set()
    result = await run
    assert result.text == stage.streamed == "faster"
    assert states(result)["one"] == "cancelled hedge_lost"


async def test_held_runners_race_to_the_end() -> None:
    # semantics 3, table: held: first usable outcome
    gate = asyncio.Event()
    stage = Stage({"m/1": ("early ", gate, "done"), "m/2": ("late ", "done")})
    held = ", usable: {match: done}"
    result = await stage.run(HEDGED % (held, held), stream=True)
    assert result.text == "late done"
    assert (stage.streamed, stage.whole) == ("", ["late done"])


async def test_hedge_timer_runs_from_the_options_own_start() -> None:
    # semantics 3, table: the timer runs from the option's own start, not while it waits for its inputs
    gate = asyncio.Event()
    stage = Stage({"m/x": (gate, "input"), "m/1": "one", "m/2": "two"})
    nodes = "x: {kind: proposer, model: m/x}\n" + HEDGED % (", inputs: [x]", "")
    run = start(stage, nodes.replace("0.001", "0.02"))
    await stage.sim.called("m/x")
    await asyncio.sleep(0.05)  # longer than the hedge: the one real wait here, as nothing must happen in it
    assert stage.asked == ["m/x"]
    gate.set()
    assert (await run).text == "one"


def test_hedged_options_must_call_a_model() -> None:
    # semantics 3, table: options must be model-call nodes
    with pytest.raises(PipelineError, match="FG405"):
        bound_of(
            PANEL + "one: {kind: proposer, model: m/1}\nf: {kind: fallback, inputs: [one, panel], hedge_after_s: 1}"
        )


VERBATIM: dict[str, tuple[str, Reply]] = {
    "select": ("choice: {kind: judge, mode: select, model: m/j, inputs: [panel]}", choosing("beta draft")),
    "vote": ("choice: {kind: judge, mode: vote, extract: {regex: '(beta)'}, inputs: [panel]}", "unused"),
}


@pytest.mark.parametrize("mode", ["select", "vote"])
async def test_verbatim_judge_is_sent_whole(mode: str) -> None:
    # semantics 3, table: judge select, vote: whole text after the decision
    node, judge = VERBATIM[mode]
    stage = Stage({**TEXTS, "m/j": judge})
    result = await stage.run(PANEL + node, stream=True)
    assert result.text == "beta draft"
    assert (stage.streamed, stage.whole) == ("", ["beta draft"])


async def test_cut_marks_stay_out_of_the_verbatim_text() -> None:
    # semantics 3, table: cut marks of `max_chars` never enter the verbatim text
    stage = Stage({**TEXTS, "m/j": '{"reason": "", "choice": "A"}'})
    node = VERBATIM["select"][0].replace("inputs: [panel]", "inputs: [panel], present: {max_chars: 4}")
    result = await stage.run(PANEL + node)
    assert "cut here" in stage.prompt("m/j")
    assert result.text in TEXTS.values()


@pytest.mark.parametrize(
    "node", ["panel: {kind: layer, models: [m/a, m/b]}", "j: {kind: judge, model: m/j, inputs: [x]}"]
)
def test_output_must_be_one_text(node: str) -> None:
    # semantics 3: an output that gives drafts or an analysis is a load error
    with pytest.raises(PipelineError, match="FG402"):
        bound_of("x: {kind: proposer, model: m/x}\n" * (node[0] == "j") + node)


async def test_best_score_is_sent_whole() -> None:
    stage = Stage({**TEXTS, "m/j": grading(**{"alpha draft": 1, "beta draft": 9})})
    nodes = (
        PANEL + "s: {kind: judge, mode: score, model: m/j, inputs: [panel]}\nf: {kind: fallback, inputs: [panel, s]}"
    )
    await stage.run(nodes, stream=True)
    assert stage.whole == ["beta draft"]


# --- n > 1 ------------------------------------------------------------------------------------------------------------


async def test_n_calls_of_the_live_writer() -> None:
    # semantics 3: n > 1: n calls of the live writer with one prompt, choice index in the digest
    stage = Stage({**TEXTS, "m/w": ["one", "two", "three"]})
    result = await stage.run(PANEL + ANSWER % "" + FINAL, n=3)
    assert [draft.text for draft in result.choices] == ["one", "two", "three"]
    assert {call.messages for call in stage.sent("m/w")} == {stage.sent("m/w")[0].messages}
    assert [call.draw[3] for call in stage.sent("m/w")] == [0, 1, 2]
    assert len(stage.sent("m/a")) == 1


async def test_n_streams_are_told_apart() -> None:
    stage = Stage({"m/w": ["one text", "two text"]})
    await stage.run("w: {kind: proposer, model: m/w}", n=2, stream=True)
    by_choice = ["".join(e.text for e in stage.heard(TextDelta) if e.choice == k) for k in (0, 1)]
    assert by_choice == ["one text", "two text"]


async def test_n_is_ok_only_if_all_are() -> None:
    # semantics 3: ok only if all n are; falling back gives the same text n times, degraded
    stage = Stage({**TEXTS, "m/w": ["one", BROKEN, "three"]})
    result = await stage.run(PANEL + ANSWER % "" + FINAL, n=3)
    assert [draft.text for draft in result.choices] == ["alpha draft"] * 3
    assert {"bad_request", "single_choice"} <= {reason for _, reason in entries(result)}


async def test_n_is_never_hedged() -> None:
    # semantics 3: no hedging
    gate = asyncio.Event()
    stage = Stage({"m/1": [(gate, "one"), (gate, "two")], "m/2": "never"})
    run = start(stage, HEDGED % ("", ""), n=2)
    await stage.sim.called("m/1", 2)
    await asyncio.sleep(0.01)  # ten times the hedge: nothing must happen in it
    gate.set()
    result = await run
    assert [draft.text for draft in result.choices] == ["one", "two"]
    assert stage.sent("m/2") == []


@pytest.mark.parametrize(
    "nodes",
    [
        "w: {kind: proposer, model: m/w, usable: {match: x}}",
        PANEL + VERBATIM["select"][0],
        PANEL + "final: {kind: fallback, inputs: [panel]}",
    ],
    ids=["held", "verbatim", "group"],
)
async def test_n_needs_a_live_writer(nodes: str) -> None:
    # semantics 3: held or verbatim-only outputs: 400
    from fusion_graph.errors import UsageError

    stage = Stage({"*": "x"})
    with pytest.raises(UsageError, match="n > 1") as caught:
        await stage.run(nodes, n=2)
    assert caught.value.http_status == 400
    assert stage.asked == []
