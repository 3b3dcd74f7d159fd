"""There and back; and whatever else may stand in a file."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.messages import Completion, Message, ToolCall, Usage
from fusion_graph.store.replies import read_completion, read_messages, write_completion, write_messages

WORDS = st.text(max_size=20)
COUNTS = st.integers(0, 10**9)
CALLS = st.builds(ToolCall, id=WORDS, name=WORDS, arguments=WORDS)
COMPLETIONS = st.builds(
    Completion,
    text=WORDS,
    tool_calls=st.lists(CALLS, max_size=3).map(tuple),
    finish_reason=st.sampled_from(["stop", "length", "tool_calls", "content_filter"]),
    reasoning=WORDS,
    refusal=st.none() | WORDS.filter(bool),
    usage=st.none()
    | st.builds(
        Usage,
        prompt_tokens=COUNTS,
        completion_tokens=COUNTS,
        reasoning_tokens=COUNTS,
        cached_tokens=COUNTS,
        cost_usd=st.none() | st.floats(0, 1e6),
        estimated=st.booleans(),
    ),
    model=WORDS,
    simulated=st.booleans(),
    notes=st.lists(WORDS, max_size=2).map(tuple),
    stop_sequence=WORDS,
    logprobs=st.none() | st.dictionaries(WORDS, COUNTS, max_size=2),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["text", "tool_calls", "usage", "finish_reason", "refusal", "model", "notes", "other"])


@given(COMPLETIONS)
def test_reply_comes_back_as_it_was(completion: Completion) -> None:
    assert read_completion(write_completion(completion)) == completion


@given(JSON | st.dictionaries(NAMES, JSON, max_size=4))
def test_hostile_reply_is_a_value_error_or_a_reply(told: Any) -> None:
    try:
        found = read_completion(json.dumps(told))
    except ValueError:
        return
    assert isinstance(found.text, str)


@given(st.text(max_size=30))
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read_completion(text + "{")


@given(JSON)
def test_hostile_conversation_is_a_value_error_or_one(told: Any) -> None:
    try:
        found = read_messages(json.dumps(told))
    except ValueError:
        return
    assert all(isinstance(message, Message) for message in found)


def test_conversation_comes_back_as_it_was() -> None:
    said = (
        Message("user", ({"type": "text", "text": "Why?"}, {"type": "image_url", "image_url": {"url": "data:,"}})),
        Message("assistant", "", (ToolCall(id="1", name="f", arguments="{}"),)),
        Message("tool", "42", tool_call_id="1", name="f"),
    )
    assert read_messages(write_messages(said)) == said
