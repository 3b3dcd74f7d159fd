"""The last check of an answer that nobody streamed (semantics 3)."""

from __future__ import annotations

from fusion_graph.errors import Permanent
from fusion_graph.messages import Completion, Sampling
from tests.engine.stage import Stage, entries

WANTED = Sampling(response_format={"type": "json_object"})
PANEL = """
panel: {kind: layer, models: [m/a, m/b]}
w: {kind: synth, model: m/w, inputs: [panel], retry: {attempts: 1}}
final: {kind: fallback, inputs: [w, panel]}
"""
BROKEN = Permanent("bad_request", "no", status=400)


async def test_repair_is_told_the_text_and_the_schema() -> None:
    stage = Stage({"m/a": "alpha words", "m/b": "beta", "m/w": [BROKEN, '{"a": 1}']})
    result = await stage.run(PANEL, writer=WANTED)
    assert result.text == '{"a": 1}'
    prompt = stage.sent("m/w")[-1].messages[-1].text
    assert "alpha words" in prompt
    assert '{"type": "object"}' in prompt
    assert result.answer
    assert result.answer.node == "panel/a"
    assert ("panel/a", "response_format_unmet") in entries(result)


async def test_repair_is_part_of_the_bill() -> None:
    stage = Stage({"m/a": "alpha", "m/b": "beta", "m/w": [BROKEN, '{"a": 1}']})
    result = await stage.run(PANEL, writer=WANTED)
    assert next(node for node in result.nodes if node.id == "w").attempts == 2


async def test_repair_that_breaks_it_again_is_no_answer() -> None:
    stage = Stage({"m/a": "alpha", "m/b": "beta", "m/w": [BROKEN, "still words"]})
    result = await stage.run(PANEL, writer=WANTED)
    assert result.answer is None
    assert result.error
    assert result.error.reason == "response_format_unmet"


async def test_without_a_writer_there_is_no_repair() -> None:
    stage = Stage({"m/a": "alpha", "m/b": "beta"})
    nodes = "p: {kind: layer, models: [m/a, m/b]}\nf: {kind: fallback, inputs: [p]}"
    result = await stage.run(nodes, writer=WANTED)
    assert result.state == "failed"
    assert stage.asked == ["m/a", "m/b"]


async def test_missing_tool_call_cannot_be_mended() -> None:
    forced = Sampling(tools=({"type": "function", "function": {"name": "look"}},), tool_choice="required")
    stage = Stage({"m/a": "alpha", "m/b": "beta", "m/w": BROKEN})
    result = await stage.run(PANEL, writer=forced)
    assert result.state == "failed"
    assert len(stage.sent("m/w")) == 1


async def test_fitting_answer_is_left_alone() -> None:
    stage = Stage({"m/a": "alpha", "m/b": "beta", "m/w": Completion(text='{"b": 2}')})
    result = await stage.run(PANEL, writer=WANTED)
    assert (result.text, result.state) == ('{"b": 2}', "ok")
    assert len(stage.asked) == 3
