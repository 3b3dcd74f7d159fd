"""What a Messages stream says, byte by byte; its shape as a whole is held to the rules in `test_wires`."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.messages import ToolCall, ToolCallDelta, Usage
from fusion_graph.outputs import Draft
from fusion_graph.server._errors import Refused, invalid
from fusion_graph.server._wires.messages_out import MessageSpeech, counted, read_input, stopped
from fusion_graph.server._wires.speech import Head
from tests.server.wires import sse

HEAD = Head("r1", "fusion", 1, request_id="req_1", prompt_tokens=7)


def kinds(data: bytes) -> list[str]:
    return [event["type"] for event in sse(data.decode())]


def piece(place: int, arguments: str, name: str = "") -> ToolCallDelta:
    return ToolCallDelta(place, f"c{place}" if name else "", name, arguments)


def test_waiting_is_a_message_that_began_and_pings() -> None:
    made = MessageSpeech(HEAD)
    start, *rest = sse(made.beat().decode())
    assert start["message"]["usage"] == {"input_tokens": 7, "output_tokens": 0}
    assert start["message"]["content"] == []
    assert [event["type"] for event in rest] == ["ping"]
    assert kinds(made.beat()) == ["ping"]


def test_text_streams_as_it_comes() -> None:
    made = MessageSpeech(HEAD)
    assert kinds(made.text("a")) == ["message_start", "content_block_start", "content_block_delta"]
    (delta,) = sse(made.text("\nb\r\u2028").decode())
    assert delta["delta"] == {"type": "text_delta", "text": "\nb\r\u2028"}
    assert made.text("") == b""


def test_one_block_is_open_at_a_time() -> None:
    made = MessageSpeech(HEAD)
    made.text("a")
    assert kinds(made.calls((piece(0, "{", "x"),))) == [
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
    ]
    assert made.calls((piece(1, "{}", "y"),)) == b""
    assert made.text("late") == b""
    assert kinds(made.calls((piece(0, "}"),))) == ["content_block_delta"]


def test_a_failed_stream_ends_with_its_error() -> None:
    made = MessageSpeech(HEAD)
    start, error = sse(made.failed(invalid("no")).decode())
    assert start["type"] == "message_start"
    assert error == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "no"},
        "request_id": "req_1",
    }


@pytest.mark.parametrize("arguments", ["{", "[]", "7", '"x"', "null", "[" * 100_000])
def test_arguments_that_are_no_object_are_a_failure(arguments: str) -> None:
    with pytest.raises(Refused) as refused:
        read_input(ToolCall(id="c", name="x", arguments=arguments))
    assert refused.value.code == "invalid_output"
    assert not refused.value.retry


def test_no_arguments_are_an_empty_object() -> None:
    assert read_input(ToolCall(id="c", name="x", arguments="")) == {}


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        ({}, "end_turn"),
        ({"finish_reason": "length"}, "max_tokens"),
        ({"finish_reason": "content_filter"}, "refusal"),
        ({"refusal": "no"}, "refusal"),
        ({"finish_reason": "stop", "tool_calls": (ToolCall(id="c", name="x", arguments=""),)}, "tool_use"),
        ({"finish_reason": "tool_calls"}, "end_turn"),
    ],
)
def test_reasons_are_translated(draft: dict[str, Any], reason: str) -> None:
    assert stopped(Draft("x", "answer", **draft)) == {"stop_reason": reason, "stop_sequence": None}


@pytest.mark.parametrize(
    ("draft", "reason", "told"),
    [
        ({}, "stop_sequence", "END"),
        ({"stop_sequence": "a stop of the pipeline"}, "end_turn", None),
        ({"stop_sequence": ""}, "end_turn", None),
        ({"finish_reason": "length"}, "max_tokens", None),
        ({"tool_calls": (ToolCall(id="c", name="x", arguments=""),)}, "tool_use", None),
        ({"refusal": "no"}, "refusal", None),
    ],
)
def test_a_stop_text_is_told_where_it_is_known_and_the_clients_own(
    draft: dict[str, Any], reason: str, told: str | None
) -> None:
    written = Draft(**{"text": "x", "node": "answer", "stop_sequence": "END", **draft})
    assert stopped(written, ("STOP", "END")) == {"stop_reason": reason, "stop_sequence": told}


def test_cached_tokens_are_no_input() -> None:
    assert counted(Usage(prompt_tokens=10, completion_tokens=3, cached_tokens=4)) == {
        "input_tokens": 6,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 4,
        "output_tokens": 3,
    }
