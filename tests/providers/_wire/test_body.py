"""A call as a request body: what is set is sent, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace

from fusion_graph.messages import Call, Message, Sampling, ToolCall
from fusion_graph.providers._wire.body import Dialect, make_body, write_body

PLAIN = Dialect(stream=False)
HELLO = (Message("user", "hello"),)


def test_unset_sampling_is_not_sent() -> None:
    assert make_body(Call("a/x", HELLO, Sampling()), PLAIN) == {
        "model": "a/x",
        "messages": [{"role": "user", "content": "hello"}],
    }


def test_stream_asks_for_usage() -> None:
    body = make_body(Call("a/x", HELLO, Sampling()), Dialect())
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}


def test_usage_option_can_be_left_out() -> None:
    assert "stream_options" not in make_body(Call("a/x", HELLO, Sampling()), Dialect(include_usage=False))


def test_schema_is_told_in_words_where_it_is_not_known() -> None:
    # wire 1.2
    form = {"type": "json_schema", "json_schema": {"name": "r", "schema": {"type": "object", "title": "\u00e9"}}}
    call = Call("a/x", HELLO, Sampling(response_format=form))
    assert make_body(call, PLAIN)["response_format"] == form
    body = make_body(call, Dialect(stream=False, json_schema=False))
    assert "response_format" not in body
    assert body["messages"][0]["role"] == "system"
    assert '{"type": "object", "title": "\u00e9"}' in body["messages"][0]["content"]
    plain = replace(call, sampling=Sampling(response_format={"type": "json_object"}))
    assert make_body(plain, Dialect(json_schema=False))["response_format"] == {"type": "json_object"}
    assert not Dialect.of({"json_schema": False}, "http://x").json_schema


def test_all_sampling_goes_out() -> None:
    sampling = Sampling(
        temperature=0.0,
        top_p=0.9,
        max_tokens=5,
        seed=0,
        stop_sequences=("END",),
        reasoning_effort="low",
        response_format={"type": "json_object"},
        tools=({"type": "function"},),
        tool_choice="auto",
    )
    body = make_body(Call("a/x", HELLO, sampling), PLAIN)
    del body["model"], body["messages"]
    assert body == {
        "temperature": 0.0,
        "top_p": 0.9,
        "max_tokens": 5,
        "seed": 0,
        "stop": ("END",),
        "reasoning_effort": "low",
        "response_format": {"type": "json_object"},
        "tools": ({"type": "function"},),
        "tool_choice": "auto",
    }


def test_extra_fields_never_replace_ours() -> None:
    extra = {"logit_bias": {"1": 2}, "model": "evil", "messages": [], "stream": False, "n": 5, "temperature": 2}
    body = make_body(Call("a/x", HELLO, Sampling(temperature=0.1, extra=extra)), Dialect())
    assert body["logit_bias"] == {"1": 2}
    assert (body["model"], body["stream"], body["temperature"]) == ("a/x", True, 0.1)
    assert "n" not in body


def test_tool_history_is_native() -> None:
    call = ToolCall(id="c1", name="look_up", arguments='{"q": 1}')
    messages = (Message("assistant", "", tool_calls=(call,)), Message("tool", "42", tool_call_id="c1"))
    asked, answered = make_body(Call("a/x", messages, Sampling()), PLAIN)["messages"]
    assert asked["content"] is None
    assert asked["tool_calls"] == [
        {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"q": 1}'}}
    ]
    assert answered == {"role": "tool", "content": "42", "tool_call_id": "c1"}


def test_parts_pass_through_unopened() -> None:
    parts = ({"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "data:,x"}})
    body = json.loads(write_body(Call("a/x", (Message("user", parts, name="ann"),), Sampling()), PLAIN))
    assert body["messages"] == [{"role": "user", "content": list(parts), "name": "ann"}]


def test_lone_surrogate_cannot_break_body() -> None:
    body = write_body(Call("a/x", (Message("user", "\ud800 ü"),), Sampling()), PLAIN)
    assert json.loads(body)["messages"][0]["content"] == "\ud800 ü"


def test_dialect_knows_openai_itself() -> None:
    assert Dialect.of({}, "https://api.openai.com/v1").max_tokens_field == "max_completion_tokens"
    assert Dialect.of({}, "https://openrouter.ai/api/v1").max_tokens_field == "max_tokens"
    assert Dialect.of({"max_tokens_field": "cap", "stream": False}, "http://x").max_tokens_field == "cap"


def test_cap_is_sent_under_its_name() -> None:
    body = make_body(Call("a/x", HELLO, Sampling(max_tokens=9)), Dialect(max_tokens_field="max_completion_tokens"))
    assert body["max_completion_tokens"] == 9
    assert "max_tokens" not in body


def test_purpose_and_draw_are_not_sent() -> None:
    one = Call("a/x", HELLO, Sampling(), draw=(1, 2, 3, 4), purpose="note")
    assert make_body(one, PLAIN) == make_body(Call("a/x", HELLO, Sampling()), PLAIN)
