"""Tool turns for nodes without tools."""

from __future__ import annotations

from fusion_graph.engine.quoting import quote_tools
from fusion_graph.messages import Message, Sampling, ToolCall
from tests.engine.stage import Stage

CALL = ToolCall(id="c1", name="look_up", arguments='{"q": 1}')
TURNS = (
    Message("user", "Why?"),
    Message("assistant", "", tool_calls=(CALL,)),
    Message("tool", "because", tool_call_id="c1"),
    Message("user", "Really?"),
)
TOOL = {"type": "function", "function": {"name": "look_up"}}


def test_without_tools_nothing_is_copied() -> None:
    plain = TURNS[:1]
    assert quote_tools(plain) is plain


def test_calls_and_results_become_text() -> None:
    _, asked, answered, _ = quote_tools(TURNS)
    assert asked == Message("assistant", '[calls the tool look_up with {"q": 1}]')
    assert answered == Message("user", "[the tool look_up answered]\nbecause")


async def test_only_writers_see_them_as_they_were() -> None:
    stage = Stage({"a/x": "a draft", "w/w": "the answer"})
    nodes = "panel: {kind: layer, models: [a/x]}\nanswer: {kind: synth, model: w/w, inputs: [panel]}"
    await stage.run(nodes, messages=TURNS, writer=Sampling(tools=(TOOL,)))
    (drafted,), (written,) = stage.sent("a/x"), stage.sent("w/w")
    assert {message.role for message in drafted.messages} == {"user", "assistant"}
    assert written.messages[: len(TURNS)] == TURNS
