"""Section 3: what a request demands of the answer, tool calls, and turns that end in a tool result."""

from __future__ import annotations

import asyncio
import json

import pytest

from fusion_graph.errors import Permanent
from fusion_graph.events import CallFailed, TextDelta, ToolDelta
from fusion_graph.graph import reader
from fusion_graph.kinds import KINDS
from fusion_graph.messages import Completion, Message, Sampling, ToolCall
from tests.engine.stage import Stage, analysis, choosing, critique, entries, shown, states

BROKEN = Permanent("bad_request", "no", status=400)
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
WANTED = Sampling(response_format={"type": "json_schema", "json_schema": {"name": "r", "schema": SCHEMA}})
FORCED = Sampling(tools=({"type": "function", "function": {"name": "look"}},), tool_choice="required")
LOOK = Completion(tool_calls=(ToolCall(id="1", name="look", arguments="{}"),), finish_reason="tool_calls")
GRAPH = """
panel: {kind: layer, models: [m/a, m/b]}
judged: {kind: judge, model: m/j, inputs: [panel]}
answer: {kind: synth, model: m/w, inputs: [panel, 'judged?']}
better: {kind: refine, model: m/r, inputs: [answer]}
other: {kind: proposer, model: m/o, inputs: [panel]}
final: {kind: fallback, inputs: [better, answer, other, panel]}
"""
TEXTS = {"m/a": "alpha", "m/b": "beta", "m/j": analysis()}


# --- the request contract ---------------------------------------------------------------------------------------------


async def test_writer_fields_reach_all_of_w_only() -> None:
    # semantics 3: the request contract binds all of W; other writer-only fields (max_tokens, stop, tools) go there too
    asked = Sampling(max_tokens=77, stop_sequences=("END",), temperature=0.9, extra={"user": "u"})
    stage = Stage({**TEXTS, "m/w": "text", "m/r": [critique("weak"), BROKEN], "m/o": "other"})
    nodes = GRAPH.replace("[better, answer, other, panel]", "[better, other]")
    await stage.run(nodes, writer=asked)
    critic, rewriter = stage.sent("m/r")
    for call in (*stage.sent("m/w"), rewriter):
        assert (call.sampling.max_tokens, call.sampling.stop_sequences) == (77, ("END",))
        assert (call.sampling.temperature, call.sampling.extra) == (0.9, {"user": "u"})
    for call in (*stage.sent("m/a"), *stage.sent("m/j"), critic):
        assert call.sampling.max_tokens is None
        assert call.sampling.stop_sequences == ()
        assert call.sampling.extra == {}


async def test_response_format_reaches_writers_only() -> None:
    stage = Stage({**TEXTS, "m/w": '{"x": 1}', "m/r": critique()})
    result = await stage.run(GRAPH, writer=WANTED)
    assert result.text == '{"x": 1}'
    assert stage.sent("m/w")[0].sampling.response_format == WANTED.response_format
    assert stage.sent("m/a")[0].sampling.response_format is None
    assert (stage.sent("m/j")[0].sampling.response_format or {})["json_schema"]["name"] == "analysis"


async def test_contract_is_part_of_usable() -> None:
    # semantics 3: not streamed it is added to `usable` of the output and its options
    stage = Stage({**TEXTS, "m/w": ["plain", '{"y": 1}', '{"x": 1}'], "m/r": critique()})
    result = await stage.run(GRAPH, writer=WANTED)
    assert (result.text, result.state) == ('{"x": 1}', "ok")
    assert len(stage.sent("m/w")) == 3
    told = [event.message for event in result.events if isinstance(event, CallFailed)]
    assert told[0] == "not what the request demands: the text is not JSON"


async def test_raw_draft_that_breaks_it_is_mended() -> None:
    # semantics 3: a raw draft that breaks it is never returned (one repair call, then 502)
    stage = Stage({**TEXTS, "m/w": [BROKEN, '{"x": 2}']})
    nodes = "panel: {kind: layer, models: [m/a, m/b]}\nw: {kind: synth, model: m/w, inputs: [panel]}\n"
    result = await stage.run(nodes + "f: {kind: fallback, inputs: [w, panel]}", writer=WANTED)
    assert result.text == '{"x": 2}'
    assert "alpha" in stage.sent("m/w")[-1].messages[-1].text
    assert result.state == "degraded"


async def test_raw_draft_that_cannot_be_mended_is_never_returned() -> None:
    # semantics 3: then 502
    stage = Stage({**TEXTS, "m/w": BROKEN})
    nodes = "panel: {kind: layer, models: [m/a, m/b]}\nw: {kind: synth, model: m/w, inputs: [panel]}\n"
    result = await stage.run(nodes + "f: {kind: fallback, inputs: [w, panel]}", writer=WANTED)
    assert result.state == "failed"
    assert result.answer is None
    assert result.error
    assert result.error.http_status == 502
    assert len(stage.sent("m/w")) == 2


async def test_raw_draft_that_keeps_it_is_returned() -> None:
    stage = Stage({"m/a": '{"x": 5}', "m/b": "beta", "m/w": BROKEN})
    nodes = "panel: {kind: layer, models: [m/a, m/b]}\nw: {kind: synth, model: m/w, inputs: [panel]}\n"
    result = await stage.run(nodes + "f: {kind: fallback, inputs: [w, panel]}", writer=WANTED)
    assert result.text == '{"x": 5}'
    assert len(stage.sent("m/w")) == 1


async def test_streamed_mismatch_is_degraded() -> None:
    # semantics 3: streamed: passed through, a mismatch is degraded
    stage = Stage({"m/w": "plain words"})
    result = await stage.run("w: {kind: proposer, model: m/w}", writer=WANTED, stream=True)
    assert result.text == stage.streamed == "plain words"
    assert entries(result) == [("w", "response_format_unmet")]
    assert len(stage.asked) == 1


async def test_verbatim_option_is_checked_before_it_is_sent() -> None:
    # semantics 3: a verbatim option is checked before it is sent
    stage = Stage({**TEXTS, "m/w": [BROKEN, '{"x": 3}']})
    nodes = "panel: {kind: layer, models: [m/a, m/b]}\nw: {kind: synth, model: m/w, inputs: [panel]}\n"
    result = await stage.run(nodes + "f: {kind: fallback, inputs: [w, panel]}", writer=WANTED, stream=True)
    sent = "".join(event.text for event in stage.heard(TextDelta))
    assert sent == result.text == '{"x": 3}'


async def test_forced_tool_call_binds_the_writers() -> None:
    # semantics 3: request contract (`response_format`, forced `tool_choice`) binds all of W
    stage = Stage({**TEXTS, "m/w": ["words", LOOK], "m/r": critique()})
    result = await stage.run(GRAPH, writer=FORCED)
    assert result.answer
    assert result.answer.tool_calls[0].name == "look"
    assert stage.sent("m/w")[0].sampling.tool_choice == "required"
    assert stage.sent("m/a")[0].sampling.tools == ()


# --- tool calls -------------------------------------------------------------------------------------------------------

TOOLS = Sampling(tools=({"type": "function", "function": {"name": "look"}},))


async def test_tool_call_is_an_answer() -> None:
    # semantics 3: a draft with tool calls is an answer: usable, never refined; refine hands it on without a call
    stage = Stage({**TEXTS, "m/w": LOOK, "m/r": "never"})
    result = await stage.run(GRAPH, writer=TOOLS)
    assert result.answer
    assert result.answer.tool_calls == LOOK.tool_calls
    assert result.state == "ok"
    assert stage.sent("m/r") == []


async def test_tool_call_streams() -> None:
    # semantics 3: a call on the live writer streams, tool calls too
    stage = Stage({"m/w": LOOK})
    await stage.run("w: {kind: proposer, model: m/w}", writer=TOOLS, stream=True)
    (delta,) = [piece for event in stage.heard(ToolDelta) for piece in event.pieces]
    assert (delta.name, delta.id) == ("look", "1")


async def test_tool_call_meets_a_held_writer() -> None:
    # semantics 3: usable
    stage = Stage({"m/w": LOOK})
    result = await stage.run("w: {kind: proposer, model: m/w, usable: {match: never}}", writer=TOOLS)
    assert result.state == "ok"


@pytest.mark.parametrize("mode", ["select, model: m/j", "vote, extract: last_number"])
def test_verbatim_output_warns_of_client_tools(mode: str) -> None:
    # semantics 3: a verbatim output with client tools warns at load; no T (vote, select): whole graph, warning at load
    source = f"""{{version: 1, name: v, output: c, nodes: {{
      panel: {{kind: layer, models: [m/a, m/b]}},
      c: {{kind: judge, mode: {mode}, inputs: [panel]}}}}}}"""
    reading = reader.read(source.encode(), file="v.yaml", kinds=KINDS)
    assert reading.pipeline
    assert "FG407" in {finding.code for finding in reading.diagnostics}


# --- a turn that ends in a tool result --------------------------------------------------------------------------------

TURN = (
    Message("user", "Why?"),
    Message("assistant", "", tool_calls=LOOK.tool_calls),
    Message("tool", "42", tool_call_id="1"),
)


async def test_writer_runs_alone_after_a_tool_result() -> None:
    # semantics 3: T(n): proposer, synth = itself with the conversation alone
    stage = Stage({"m/w": "it is 42"})
    result = await stage.run(GRAPH, messages=TURN)
    assert result.text == "it is 42"
    assert stage.asked == ["m/w"]
    assert stage.sent("m/w")[0].messages == TURN


async def test_drafts_and_analysis_are_empty_then() -> None:
    # semantics 3: (`{{drafts}}`, `{{analysis}}` empty, inputs and `when` suspended)
    stage = Stage({"m/w": "done"})
    await stage.run(
        "panel: {kind: layer, models: [m/a, m/b]}\nj: {kind: judge, model: m/j, inputs: [panel]}\n"
        "w: {kind: synth, model: m/w, inputs: [panel, j], when: {j.consensus: {above: 3}},"
        " prompt: 'D[{{drafts}}] A[{{analysis}}]'}",
        messages=TURN,
    )
    assert stage.asked == ["m/w"]
    assert "D[] A[]" in stage.prompt("m/w")


async def test_fallback_goes_over_the_writers_of_its_options() -> None:
    # semantics 3: fallback = fallback over the T of its options, duplicates dropped
    stage = Stage({"m/w": BROKEN, "m/o": "other"})
    result = await stage.run(GRAPH, messages=TURN)
    assert stage.asked == ["m/w", "m/o"]
    assert result.text == "other"
    assert entries(result) == [("answer", "bad_request")]


async def test_full_runs_the_whole_graph() -> None:
    # semantics 3: `on_tool_turn: full`: the whole graph
    stage = Stage({**TEXTS, "m/w": "text", "m/r": critique()})
    await stage.run(GRAPH, messages=TURN, top={"on_tool_turn": "full"})
    assert {"m/a", "m/b", "m/w"} <= set(stage.asked)


async def test_verbatim_output_runs_the_whole_graph() -> None:
    # semantics 3: no T (vote, select): whole graph
    stage = Stage({**TEXTS, "m/j": choosing("beta")})
    result = await stage.run(
        "panel: {kind: layer, models: [m/a, m/b]}\nc: {kind: judge, mode: select, model: m/j, inputs: [panel]}",
        messages=TURN,
    )
    assert result.text == "beta"


async def test_hedge_is_kept_then() -> None:
    # semantics 3: (hedge kept)
    stage = Stage({"m/1": (asyncio.Event(),), "m/2": "faster"})
    result = await stage.run(
        "p: {kind: layer, models: [m/x]}\none: {kind: proposer, model: m/1, inputs: [p]}\n"
        "two: {kind: proposer, model: m/2, inputs: [p]}\nf: {kind: fallback, inputs: [one, two], hedge_after_s: 0.001}",
        messages=TURN,
    )
    assert result.text == "faster"
    assert states(result) == {"one": "cancelled hedge_lost", "two": "ok", "f": "ok"}


async def test_writer_request_reaches_the_lone_writer() -> None:
    stage = Stage({"m/w": json.dumps({"x": 1})})
    result = await stage.run(GRAPH, messages=TURN, writer=WANTED)
    assert stage.sent("m/w")[0].sampling.response_format == WANTED.response_format
    assert result.text == '{"x": 1}'
    assert shown(stage.sent("m/w")[0]) == {}
