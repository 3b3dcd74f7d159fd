"""Tool calls of the answer are passed on while they are written, like its text (semantics 3, tool calls)."""

from __future__ import annotations

from fusion_graph.errors import Transient
from fusion_graph.events import ToolDelta
from fusion_graph.messages import Delta, Sampling, ToolCallDelta
from tests.engine.stage import Stage

TOOLS = ({"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}},)
ASKED = Sampling(tools=TOOLS)
PIECES = (
    Delta(tool_calls=(ToolCallDelta(0, "call_a", "look_up", '{"q":'),)),
    Delta(tool_calls=(ToolCallDelta(0, "", "", '"x"}'),)),
)
ALONE = "answer: {kind: proposer, model: a/x}"
MENDED = """
draft: {kind: proposer, model: a/x}
answer: {kind: refine, model: b/y, inputs: [draft]}
"""


async def test_pieces_arrive_as_they_are_written() -> None:
    # semantics 3: the writer's own pieces, not the whole call at its end
    stage = Stage({"a/x": PIECES})
    result = await stage.run(ALONE, stream=True, writer=ASKED)
    told = stage.heard(ToolDelta)
    assert [piece.arguments for event in told for piece in event.pieces] == ['{"q":', '"x"}']
    assert not any(event.whole for event in told)
    assert result.answer is not None
    assert result.answer.finish_reason == "tool_calls"


async def test_a_call_commits_the_run() -> None:
    # semantics 3: after the first content nothing is retried, and a tool call is content
    stage = Stage({"a/x": [(PIECES[0], Transient("truncated_stream")), "another answer"]})
    result = await stage.run(ALONE, stream=True, writer=ASKED)
    assert result.error is not None
    assert stage.asked == ["a/x"]


async def test_unstreamed_calls_are_sent_whole() -> None:
    # semantics 3: refine hands a draft with tool calls on without a call of its own
    stage = Stage({"a/x": PIECES})
    await stage.run(MENDED, stream=True, writer=ASKED)
    (told,) = stage.heard(ToolDelta)
    assert told.whole
    assert told.pieces[0].arguments == '{"q":"x"}'
