"""A reply put together from its deltas."""

from __future__ import annotations

import pytest

from fusion_graph.errors import Transient
from fusion_graph.messages import Completion, Delta, ToolCall, ToolCallDelta, Usage
from fusion_graph.providers._wire.assembly import Assembly, finish_of, refuse_empty


def test_pieces_make_the_whole() -> None:
    said = Assembly()
    for delta in (Delta(reasoning="Hm."), Delta(text="Hel"), Delta(text="lo", reasoning="!")):
        said.add(delta)
    assert (said.text, said.reasoning, said.tool_calls) == ("Hello", "Hm.!", ())


def test_tool_calls_set_the_finish_reason() -> None:
    said = Assembly()
    said.add(Delta(tool_calls=(ToolCallDelta(1, "b", "g", "{}"), ToolCallDelta(0, "a", "f", "{"))))
    said.add(Delta(tool_calls=(ToolCallDelta(0, "", "", "}"),)))
    assert finish_of(said.tool_calls, "stop") == "tool_calls"
    assert said.tool_calls == (ToolCall(id="a", name="f", arguments="{}"), ToolCall(id="b", name="g", arguments="{}"))


def test_tool_finish_without_calls_is_stop() -> None:
    assert finish_of((), "tool_calls") == "stop"
    assert finish_of((), "length") == "length"


@pytest.mark.parametrize(
    "said",
    [
        Completion(text="x"),
        Completion(refusal="no"),
        Completion(finish_reason="content_filter"),
        Completion(tool_calls=(ToolCall(id="a", name="f", arguments=""),)),
    ],
)
def test_something_said_passes(said: Completion) -> None:
    assert refuse_empty(said) is said


@pytest.mark.parametrize("said", [Completion(), Completion(text=" \n"), Completion(reasoning="only")])
def test_nothing_said_is_an_error(said: Completion) -> None:
    with pytest.raises(Transient) as caught:
        refuse_empty(said)
    assert caught.value.reason == "empty_output"


def test_empty_reply_keeps_its_bill() -> None:
    usage = Usage(completion_tokens=500)
    with pytest.raises(Transient) as caught:
        refuse_empty(Completion(usage=usage))
    assert caught.value.usage is usage
