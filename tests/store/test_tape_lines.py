"""What a line of a cassette holds goes there and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fusion_graph.errors import Permanent, ProviderError, Transient
from fusion_graph.graph.reading.validation import Checker
from fusion_graph.jsontext import plain
from fusion_graph.messages import Call, Completion, Delta, Message, Sampling, ToolCall, ToolCallDelta, Usage
from fusion_graph.store.tape_lines import SCHEMAS, failure_fields, read_call, read_end, read_piece
from fusion_graph.values import by_name

USAGE = Usage(prompt_tokens=3, completion_tokens=5, cost_usd=0.25)
TOOL = ToolCall(id="1", name="look", arguments='{"a": 1}')


def through(kind: str, **fields_: Any) -> dict[str, Any]:
    """As it comes back from a file, and fits."""
    line: dict[str, Any] = json.loads(json.dumps(plain(fields_)))
    assert list(Checker(SCHEMAS[kind]).problems(line)) == []
    return line


def test_a_reply_comes_back() -> None:
    whole = Completion(
        text="Yes.", tool_calls=(TOOL,), finish_reason="tool_calls", reasoning="hm", refusal="no", usage=USAGE,
        model="a/x-1", simulated=True, notes=("mended",), logprobs={"content": []},
        stop_sequence="END",
    )  # fmt: skip
    for completion in (whole, Completion(text="short")):
        line = through("end", at=1.5, attempt=0, reply=completion, failure=None)
        assert read_end(line) == completion


def test_a_line_from_before_a_field_came_is_read() -> None:
    reply = {name: value for name, value in by_name(Completion(text="short")).items() if name != "stop_sequence"}
    assert read_end(through("end", at=1.5, attempt=0, reply=reply, failure=None)) == Completion(text="short")


def test_every_field_of_a_reply_is_in_the_schema() -> None:
    assert set(by_name(Completion())) == SCHEMAS["end"]["properties"]["reply"]["properties"].keys()
    assert set(Sampling._fields) == SCHEMAS["call"]["properties"]["sampling"]["properties"].keys()


@pytest.mark.parametrize(
    "error",
    [
        Transient("rate_limited", "wait", status=429, retry_after_s=2.5, usage=USAGE),
        Permanent("connect_error", "no way there", sent=False),
    ],
)
def test_a_failure_comes_back(error: ProviderError) -> None:
    again = read_end(through("end", at=0, attempt=0, reply=None, failure=failure_fields(error)))
    assert type(again) is type(error)
    assert isinstance(again, ProviderError)
    assert failure_fields(again) == failure_fields(error)


def test_a_cancellation_is_neither() -> None:
    assert read_end(through("end", at=0, attempt=0, reply=None, failure=None)) is None


def test_a_call_and_a_piece_come_back() -> None:
    parts = ({"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "data:"}})
    messages = (Message("system", "Be brief."), Message("user", parts), Message("assistant", "", (TOOL,)))
    call = Call("a/x", messages, Sampling(temperature=0.5, stop_sequences=("x",), extra={"user": "me"}), (0, 1, 2, 3))
    assert read_call(through("call", digest="d", backend="up", **by_name(call))) == call
    delta = Delta("a", "b", (ToolCallDelta(0, "1", "look", "{"),))
    assert read_piece(through("piece", at=0, attempt=0, text="a", reasoning="b", tool_calls=delta.tool_calls)) == delta
