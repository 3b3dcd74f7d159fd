"""Section 3: what streams, from when on, and what may still replace it."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.errors import Permanent, PipelineError, Transient
from fusion_graph.events import CallStarted, FirstToken, TextDelta
from fusion_graph.graph import reader
from fusion_graph.graph.binding import bind
from fusion_graph.graph.forecast.liveness import first_token
from fusion_graph.kinds import KINDS
from fusion_graph.messages import Completion
from fusion_graph.providers.sim import Reply
from tests.engine.stage import Stage, analysis, choosing, critique, entries, grading, start, states
from tests.graph.walk import bound_of

BROKEN = Permanent("bad_request", "no", status=400)
CUT = Transient("truncated_stream", "the stream ended early")
PANEL = "panel: {kind: layer, models: [m/a, m/b]}\n"
ANSWER = "answer: {kind: synth, model: m/w, inputs: [panel]%s}\n"
FINAL = "final: {kind: fallback, inputs: [answer, panel]}"
TEXTS = {"m/a": "alpha draft", "m/b": "beta draft"}


# --- proposer, synth --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nodes", ["w: {kind: proposer, model: m/w}", PANEL + ANSWER % "" + FINAL])
async def test_writer_streams_from_its_first_content(nodes: str) -> None:
    # semantics 3, table: proposer, synth: first content
    gate = asyncio.Event()
    stage = Stage({**TEXTS, "m/w": ("Hel", gate, "lo")})
    run = start(stage, nodes, stream=True)
    await stage.until(lambda stage: stage.streamed == "Hel")
    gate.set()
    result = await run
    assert stage.streamed == result.text == "Hello"
    assert stage.whole == []


async def test_blank_content_is_no_first_token() -> None:
    # semantics 3: at the first non-blank content: before it everything may be replaced
    stage = Stage({"m/a": ("\n \n", CUT), "m/b": "second"})
    result = await stage.run(
        "a: {kind: proposer, model: m/a, retry: {attempts: 1}}\nb: {kind: proposer, model: m/b}\n"
        "f: {kind: fallback, inputs: [a, b]}",
        stream=True,
    )
    assert result.text == stage.streamed == "second"


async def test_fallback_before_the_first_token() -> None:
    # semantics 3, table: fallback before it
    stage = Stage({**TEXTS, "m/w": BROKEN})
    result = await stage.run(PANEL + ANSWER % "" + FINAL, stream=True)
    assert result.text == "alpha draft"
    assert stage.whole == ["alpha draft"]
    assert stage.streamed == ""


async def test_error_after_the_first_token() -> None:
    # semantics 3, table: error after it: no retry, no alternate, no fallback
    stage = Stage({**TEXTS, "m/w": ("Hel", CUT), "m/z": "never"})
    result = await stage.run(PANEL + ANSWER % ", alternates: [m/z]" + FINAL, stream=True)
    assert result.state == "failed"
    assert stage.streamed == "Hel"
    assert stage.whole == []
    assert [call.model for call in stage.sim.received].count("m/w") == 1
    assert stage.sent("m/z") == []
    assert result.error
    assert result.error.reason == "truncated_stream"


async def test_same_failure_unstreamed_is_mended() -> None:
    # semantics 3: streaming turns a failure after the first token into an error; it changes nothing else
    stage = Stage({**TEXTS, "m/w": [("Hel", CUT), "Hello"]})
    result = await stage.run(PANEL + ANSWER % "" + FINAL)
    assert (result.text, result.state) == ("Hello", "ok")


@pytest.mark.parametrize("stream", [True, False])
async def test_streaming_never_changes_the_answer(stream: bool) -> None:
    # semantics 3: streaming never changes which text is the answer
    stage = Stage({**TEXTS, "m/w": [Transient("upstream_5xx", status=500), "the answer"]})
    result = await stage.run(PANEL + ANSWER % "" + FINAL, stream=stream)
    assert result.text == "the answer"


async def test_unstreamed_run_has_no_deltas() -> None:
    stage = Stage({**TEXTS, "m/w": "the answer"})
    await stage.run(PANEL + ANSWER % "" + FINAL)
    assert stage.heard(TextDelta) == []
    assert len(stage.heard(FirstToken)) == 3


async def test_only_the_live_chain_is_passed_on() -> None:
    # semantics 3: the live chain runs from the output through the fallback's current option to one writer call
    stage = Stage({**TEXTS, "m/j": analysis(), "m/w": "the answer"})
    nodes = PANEL + "j: {kind: judge, model: m/j, inputs: [panel]}\n" + ANSWER.replace("[panel]", "[panel, j]") % ""
    await stage.run(nodes + FINAL, stream=True)
    assert {event.node for event in stage.heard(TextDelta)} == {"answer"}
    assert stage.streamed == "the answer"


# --- becoming live ----------------------------------------------------------------------------------------------------

LATER = """
a: {kind: proposer, model: m/a%s}
b: {kind: proposer, model: m/b%s}
j: {kind: judge, model: m/j, inputs: [b]}
f: {kind: fallback, inputs: [a, b]}
final: {kind: fallback, inputs: [f], after: [x]}
x: {kind: proposer, model: m/x}
"""
TWICE = """
b: {kind: proposer, model: m/b%s}
a: {kind: synth, model: m/a, inputs: [b, c]}
c: {kind: proposer, model: m/c}
final: {kind: fallback, inputs: [a, b]}
"""


async def test_node_that_becomes_live_flushes_and_goes_on() -> None:
    # semantics 3: a node that becomes live after it began flushes what it has and goes on
    gate, more = asyncio.Event(), asyncio.Event()
    stage = Stage({"m/b": ("be", more, "ta"), "m/c": (gate, BROKEN)})
    run = start(stage, TWICE % "", stream=True)
    await stage.until(lambda stage: bool(stage.heard(FirstToken)))
    assert stage.streamed == ""
    gate.set()
    await stage.until(lambda stage: stage.streamed == "be")
    more.set()
    assert (await run).text == stage.streamed == "beta"


async def test_node_that_is_finished_is_sent_whole() -> None:
    # semantics 3: one that is finished is sent whole
    gate = asyncio.Event()
    stage = Stage({"m/b": "beta", "m/c": (gate, BROKEN)})
    run = start(stage, TWICE % "", stream=True)
    await stage.sim.until(lambda sim: [call.model for call in sim.running] == ["m/c"])
    gate.set()
    result = await run
    assert result.text == "beta"
    assert (stage.streamed, stage.whole) == ("", ["beta"])


async def test_text_of_a_failed_attempt_is_never_flushed() -> None:
    # semantics 3: what an attempt left unsent is dropped with it, also while the next one waits
    asleep, wake, gate = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def sleep(_seconds: float) -> None:
        asleep.set()
        await wake.wait()

    stage = Stage({"m/b": [("stale ", CUT), "fresh"], "m/c": (gate, BROKEN)}, sleep=sleep)
    run = start(stage, TWICE % "", stream=True)
    await asleep.wait()
    gate.set()
    await stage.until(lambda stage: any(getattr(e, "node", "") == "a" for e in stage.events))
    wake.set()
    result = await run
    assert result.text == "fresh"
    assert stage.streamed == "fresh"


# --- held -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("{complete: true}", "whole text"),
        ("{match: whole}", "whole text"),
        ("{schema: {type: object}}", '{"a": "b c"}'),
    ],
)
async def test_held_writer_is_sent_whole_when_accepted(rule: str, text: str) -> None:
    # semantics 3: unless the writer is held until accepted: it has `usable.match/schema/complete`
    stage = Stage({"m/w": text})
    result = await stage.run(f"w: {{kind: proposer, model: m/w, usable: {rule}}}", stream=True)
    assert result.text == text
    assert (stage.streamed, stage.whole) == ("", [text])


async def test_held_writer_may_still_be_replaced() -> None:
    # semantics 3: nothing was sent, so an alternate and the fallback are free
    stage = Stage({**TEXTS, "m/w": "bad", "m/z": ("Answer: 1", CUT)})
    rule = ", usable: {match: 'Answer:'}, alternates: [m/z], retry: {attempts: 1}"
    result = await stage.run(PANEL + ANSWER % rule + FINAL, stream=True)
    assert result.text == "alpha draft"
    assert stage.whole == ["alpha draft"]


# --- refine -----------------------------------------------------------------------------------------------------------

REFINE = "p: {kind: proposer, model: m/p}\nr: {kind: refine, model: m/r, inputs: [p]%s}\n"


async def test_last_rewrite_streams() -> None:
    # semantics 3, table: refine: first content of a rewrite that no further critique can follow (last round)
    gate = asyncio.Event()
    stage = Stage({"m/p": "parent", "m/r": [critique("weak"), ("better ", gate, "text")]})
    run = start(stage, REFINE % "", stream=True)
    await stage.until(lambda stage: stage.streamed == "better ")
    gate.set()
    assert (await run).text == stage.streamed == "better text"


async def test_earlier_rewrite_does_not_stream() -> None:
    # semantics 3, table: refine: only the last round's rewrite
    gate = asyncio.Event()
    stage = Stage({"m/p": "parent", "m/r": [critique("weak"), "second text", (gate, critique("still")), "third text"]})
    run = start(stage, REFINE % ", rounds: 2", stream=True)
    await stage.sim.called("m/r", 3)
    assert stage.heard(TextDelta) == []
    gate.set()
    assert (await run).text == stage.streamed == "third text"


async def test_accepted_parent_is_sent_whole() -> None:
    # semantics 3, table: refine: critique accepts: parent sent whole
    stage = Stage({"m/p": "parent text", "m/r": critique()})
    result = await stage.run(REFINE % "", stream=True)
    assert result.text == "parent text"
    assert (stage.streamed, stage.whole) == ("", ["parent text"])


@pytest.mark.parametrize("rewrite", [BROKEN, "  \n", ("", CUT)], ids=["failed", "blank", "cut before content"])
async def test_failed_rewrite_leaves_the_parent(rewrite: object) -> None:
    # semantics 3, table: refine: a blank or failed rewrite before content: parent
    stage = Stage({"m/p": "parent text", "m/r": [critique("weak"), rewrite]})  # type: ignore[list-item]
    result = await stage.run(REFINE % ", retry: {attempts: 1}", stream=True)
    assert result.text == "parent text"
    assert stage.whole == ["parent text"]
    assert result.state == "degraded"


async def test_rewrite_that_breaks_off_is_an_error() -> None:
    # semantics 3: it turns a failure after the first token into an error
    stage = Stage({"m/p": "parent text", "m/r": [critique("weak"), ("better ", CUT)]})
    result = await stage.run(REFINE % "", stream=True)
    assert result.state == "failed"
    assert (stage.streamed, stage.whole) == ("better ", [])


KEEP = ", keep_best: true, rounds: 2"


async def test_keep_best_is_held() -> None:
    # semantics 3, table: refine `keep_best`: held
    replies: list[Reply] = [
        critique("weak", grade=3),
        "second",
        critique("still", grade=8),
        "third",
        critique("worse", grade=5),
    ]
    stage = Stage({"m/p": "parent", "m/r": replies})
    result = await stage.run(REFINE % KEEP, stream=True)
    assert (stage.streamed, stage.whole) == ("", ["second"])
    assert result.text == "second"


async def test_keep_best_makes_one_extra_critique() -> None:
    # semantics 3, table: one extra critique of the last text: at most 2r+1 calls, highest score wins
    replies: list[Reply] = [
        critique("weak", grade=3),
        "second",
        critique("still", grade=5),
        "third",
        critique("good", grade=9),
    ]
    stage = Stage({"m/p": "parent", "m/r": replies})
    result = await stage.run(REFINE % KEEP)
    assert result.text == "third"
    assert len(stage.sent("m/r")) == 5


async def test_keep_best_ties_go_to_the_earlier() -> None:
    # semantics 3, table: tie = earlier
    replies: list[Reply] = [
        critique("weak", grade=6),
        "second",
        critique("still", grade=6),
        "third",
        critique("same", grade=6),
    ]
    result = await Stage({"m/p": "parent", "m/r": replies}).run(REFINE % KEEP)
    assert result.text == "parent"


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
    await stage.sim.until(lambda sim: [call.model for call in sim.running] == ["m/2"])
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


async def test_every_attempt_is_an_event() -> None:
    stage = Stage({"m/w": [Transient("upstream_5xx", status=500), Completion(text="text")]})
    await stage.run("w: {kind: proposer, model: m/w}", stream=True)
    assert [(event.call, event.attempt) for event in stage.heard(CallStarted)] == [(0, 1), (0, 2)]
    assert stage.streamed == "text"


@pytest.mark.parametrize(("options", "warned"), [("usable: {match: x}", True), ("max_tokens: 9", False)])
def test_held_output_warns_at_load(options: str, warned: bool) -> None:
    # semantics 3: `plan` prints `live` or `held (why)`; `check` warns
    source = f"{{version: 1, name: v, output: w, nodes: {{w: {{kind: proposer, model: m/w, {options}}}}}}}"
    reading = reader.read(source.encode(), file="v.yaml", kinds=KINDS)
    assert reading.pipeline
    assert ("FG406" in {finding.code for finding in reading.diagnostics}) is warned
    assert first_token(bind(reading.pipeline, KINDS)).startswith("held (" if warned else "live")
