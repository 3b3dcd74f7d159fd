"""Nodes with tools in whole runs: who may use them, what stands in the trace, what a budget and a caller change."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from fusion_graph.contracts import Tool
from fusion_graph.engine.record import trace_lines
from fusion_graph.errors import Permanent, UsageError
from fusion_graph.events import CallFinished, TextDelta, ToolAnswered, ToolCalled
from fusion_graph.messages import Call, Completion, Sampling, ToolCall
from fusion_graph.pipeline import Limits
from fusion_graph.toolbox import ToolBounds, Toolbox
from tests.engine.stage import Stage

PANEL = """
panel: {kind: layer, models: [{model: a/x, tools: [echo]}, b/y]}
answer: {kind: synth, model: s/w, inputs: [panel]}
"""
SOLO = "only: {kind: proposer, model: a/x, tools: [echo]}"


async def _echo(arguments: Mapping[str, Any], site: Any) -> str:
    return f"{site} says {arguments['q']}"


SCHEMA = {"type": "object", "required": ["q"]}


def lacks(site: Any) -> str:
    return str(site["no"]) if isinstance(site, dict) else ""


ECHO = Tool(name="echo", description="echoes", parameters=SCHEMA, run=_echo, lacks=lacks)
BOX = Toolbox(tools={"echo": ECHO}, site="here", known=("echo", "other"))
CALL = Completion(tool_calls=(ToolCall(id="1", name="echo", arguments='{"q": "hi"}'),), finish_reason="tool_calls")


def calling(call: Call) -> Completion | str:
    """A model that calls its tool first, then tells what it was told."""
    last = call.messages[-1]
    return f"told: {last.text}" if last.role == "tool" else CALL


async def test_a_panelist_uses_its_tool_and_nobody_else_has_it() -> None:
    stage = Stage({"a/x": calling, "*": "words"}, tools=BOX)
    result = await stage.run(PANEL)
    assert result.state == "ok"
    assert "here says hi" in next(d.text for d in result.drafts if d.node == "panel/x")
    assert [call.sampling.tools != () for call in stage.sent("a/x")] == [True, True]
    assert stage.sent("b/y")[0].sampling.tools == ()
    assert stage.sent("s/w")[0].sampling.tools == ()
    called = [e for e in result.events if isinstance(e, ToolCalled | ToolAnswered)]
    assert [type(e).__name__ for e in called] == ["ToolCalled", "ToolAnswered"]
    assert called[0][1:5] == ("panel/x", 0, "echo", '{"q": "hi"}')
    assert len([e for e in result.events if isinstance(e, CallFinished) and e.node == "panel/x"]) == 2
    assert any('"ToolAnswered"' in line for line in trace_lines(result.events))


async def test_a_writer_with_tools_is_sent_whole() -> None:
    stage = Stage({"a/x": calling}, tools=BOX)
    result = await stage.run(SOLO, stream=True)
    pieces = [e for e in result.events if isinstance(e, TextDelta)]
    assert [(e.whole, "here says hi" in e.text) for e in pieces] == [(True, True)]
    assert result.bound.held[0] == "`tools`"


async def test_every_call_of_the_loop_counts() -> None:
    """Two calls are allowed, the tool's turn would be the third: what is there is used."""
    stage = Stage({"a/x": CALL, "b/y": "words", "s/w": "words"}, tools=BOX)
    result = await stage.run(PANEL, limits=Limits(max_calls=4))
    assert sum(isinstance(e, CallFinished) for e in result.events) <= 4
    assert result.text == "words"
    assert result.state == "degraded"


async def test_a_bound_is_told_in_degraded() -> None:
    box = Toolbox(tools={"echo": ECHO}, site="here", bounds=ToolBounds(calls=1))
    stage = Stage({"a/x": [CALL, CALL, "enough"]}, tools=box)
    result = await stage.run(SOLO)
    assert result.text == "enough"
    assert [entry.reason for entry in result.degraded] == ["tool_limit"]


async def test_a_callers_own_tools_go_first() -> None:
    """The final writer with client tools stays as it is: its calls go back to the caller."""
    theirs = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
    stage = Stage({"a/x": CALL}, tools=BOX)
    result = await stage.run(SOLO, writer=Sampling(tools=(theirs,)))
    assert stage.sent("a/x")[0].sampling.tools == (theirs,)
    assert result.answer is not None
    assert result.answer.tool_calls == CALL.tool_calls
    assert [entry.reason for entry in result.degraded] == ["tools_left_out"]


@pytest.mark.parametrize(
    ("box", "told"),
    [
        (Toolbox(known=("echo",)), "node 'only' asks for the tool echo, which is not allowed here"),
        (Toolbox(known=("other",)), "node 'only': there is no tool echo"),
        (Toolbox(tools={"echo": ECHO}, site={"no": "no folder"}), "node 'only' asks for the tool echo: no folder"),
    ],
)
async def test_a_tool_that_is_not_allowed_is_refused_before_anything_is_spent(box: Toolbox, told: str) -> None:
    stage = Stage({"a/x": "words"}, tools=box)
    with pytest.raises(UsageError, match=told):
        await stage.run(SOLO)
    assert stage.sent("a/x") == []


async def test_a_misspelt_tool_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        await Stage({"a/x": "words"}, tools=Toolbox(known=("echos", "other"))).run(SOLO)
    assert caught.value.hint == "did you mean echos?"


async def test_a_backend_without_tools_has_them_in_words() -> None:
    stage = Stage({"a/x": ['{"tool": "echo", "arguments": {"q": "hi"}}', "done"]}, backend={"tools": False}, tools=BOX)
    result = await stage.run(SOLO)
    assert result.text == "done"
    first, second = stage.sent("a/x")
    assert first.sampling.tools == ()
    assert "echoes" in first.messages[0].text
    assert "here says hi" in second.messages[-1].text


async def test_cancelling_a_run_ends_its_tools() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hang(_arguments: Mapping[str, Any], _site: Any) -> str:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    hanging = Tool(name="echo", description="", parameters={"type": "object"}, run=hang)
    stage = Stage({"a/x": CALL}, tools=Toolbox(tools={"echo": hanging}))
    task = asyncio.create_task(stage.run(SOLO))
    await asyncio.wait_for(begun.wait(), 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_an_alternate_of_every_call_is_one_entry() -> None:
    """semantics 1: one entry per root cause."""
    stage = Stage({"a/x": Permanent("bad_request", status=400), "b/y": calling}, tools=BOX)
    result = await stage.run(f"{SOLO[:-1]}, alternates: [b/y]}}")
    assert len(stage.sent("b/y")) == 2
    assert [entry.action for entry in result.degraded] == ["alternate b/y answered"]


FORM = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "required": ["answer"]}}}


@pytest.mark.parametrize(
    ("usable", "said"),
    [(", usable: {match: 'Answer'}", "Answer: 7"), (", usable: {schema: {type: array}}", "[7]"), ("", '{"answer": 7}')],
    ids=["match", "schema", "contract"],
)
async def test_a_call_in_words_is_no_answer_to_be_judged(usable: str, said: str) -> None:
    """semantics 1 and 3: `usable`, and what a request demands, are for answers; a tool call is usable, in words too."""

    def model(call: Call) -> str:
        used = any("result of echo" in message.text for message in call.messages)
        return said if used else '{"tool": "echo", "arguments": {"q": "hi"}}'

    stage = Stage({"a/x": model}, tools=BOX, backend={"tools": False})
    result = await stage.run(f"{SOLO[:-1]}{usable}}}", writer=None if usable else Sampling(response_format=FORM))
    assert (result.text, result.state, len(stage.asked)) == (said, "ok", 2)
