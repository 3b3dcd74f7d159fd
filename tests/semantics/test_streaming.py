"""Section 3: what streams, from when on, and what may still replace it."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.errors import Permanent, Transient
from fusion_graph.events import CallStarted, FirstToken, TextDelta
from fusion_graph.graph import reader
from fusion_graph.graph.binding import bind
from fusion_graph.graph.forecast.liveness import first_token
from fusion_graph.kinds import KINDS
from fusion_graph.messages import Completion
from tests.engine.stage import Nap, Stage, analysis, start

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
    await stage.only("m/c")
    gate.set()
    result = await run
    assert result.text == "beta"
    assert (stage.streamed, stage.whole) == ("", ["beta"])


async def test_text_of_a_failed_attempt_is_never_flushed() -> None:
    # semantics 3: what an attempt left unsent is dropped with it, also while the next one waits
    nap, gate = Nap(), asyncio.Event()
    stage = Stage({"m/b": [("stale ", CUT), "fresh"], "m/c": (gate, BROKEN)}, sleep=nap)
    run = start(stage, TWICE % "", stream=True)
    await nap.asleep.wait()
    gate.set()
    await stage.until(lambda stage: any(getattr(e, "node", "") == "a" for e in stage.events))
    nap.wake()
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


# --- what is told -----------------------------------------------------------------------------------------------------


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
