"""The JSON objects of a reply: what is taken, normalised, noted and refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from fusion_graph.errors import ProviderError, Transient
from fusion_graph.messages import Call, Completion, Delta, Message, Sampling, ToolCall, Usage
from fusion_graph.providers._wire.reply import ReplyReader, read_whole

CALL = Call("a/x", (Message("user", "hi"),), Sampling())
WITH_TOOLS = replace(CALL, sampling=Sampling(tools=({"type": "function"},)))
COUNTS = {"prompt_tokens": 3, "completion_tokens": 4}


def chunk(delta: Any = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def read(*chunks: Any, call: Call = CALL) -> Completion:
    reader = ReplyReader(call)
    for one in chunks:
        reader.take(one)
    return reader.completion()


def whole(message: Any, finish: str | None = "stop", **more: Any) -> bytes:
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}).encode()


def call_of(arguments: str, **entry: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": arguments}, **entry}]}


# --- what a reply is made of ------------------------------------------------------------------------------------------


def test_text_and_reasoning_are_joined() -> None:
    reply = read(chunk({"role": "assistant", "content": "", "reasoning": "Hm."}), chunk({"content": "Yes"}, "stop"))
    assert (reply.text, reply.reasoning, reply.finish_reason) == ("Yes", "Hm.", "stop")


def test_drain_gives_each_piece_once() -> None:
    reader = ReplyReader(CALL)
    reader.take(chunk({"content": "a"}))
    reader.take(chunk({"content": "b", "reasoning_content": "r"}))
    assert reader.drain() == Delta("ab", "r")
    assert reader.drain() is None


@pytest.mark.parametrize("empty", [{}, None, {"role": "assistant"}, {"content": ""}, {"content": None}])
def test_chunk_without_content_is_no_delta(empty: Any) -> None:
    reader = ReplyReader(CALL)
    reader.take(chunk(empty))
    assert reader.drain() is None


def test_model_and_simulated_are_recorded() -> None:
    reply = read(chunk({"content": "x"}, "stop", model="b/other", simulated=True))
    assert (reply.model, reply.simulated) == ("b/other", True)


def test_model_asked_for_stands_in() -> None:
    assert read(chunk({"content": "x"}, "stop")).model == "a/x"


def test_refusal_is_kept() -> None:
    reply = read(chunk({"refusal": "I can"}), chunk({"refusal": "not."}, "stop"))
    assert (reply.text, reply.refusal) == ("", "I cannot.")


@pytest.mark.parametrize(
    ("said", "finish", "notes"),
    [
        ("stop", "stop", ()),
        ("length", "length", ()),
        ("max_tokens", "length", ()),
        ("content_filter", "content_filter", ()),
        ("eos", "stop", ("finish_reason_unknown",)),
        (None, "stop", ("finish_reason_missing",)),
    ],
)
def test_finish_reason_is_one_of_four(said: str | None, finish: str, notes: tuple[str, ...]) -> None:
    reply = read(chunk({"content": "x"}, said))
    assert (reply.finish_reason, reply.notes) == (finish, notes)


def test_parts_become_text() -> None:
    reply = read(chunk({"content": [{"type": "text", "text": "a"}, {"type": "image"}, "?"]}, "stop"))
    assert (reply.text, reply.notes) == ("a", ("content_as_parts",))


def test_second_choice_is_ignored_and_noted() -> None:
    other = {"index": 1, "delta": {"content": "other"}, "finish_reason": "length"}
    reply = read({"choices": [other]}, chunk({"content": "x"}, "stop"), {"choices": [other]})
    assert (reply.text, reply.finish_reason, reply.notes) == ("x", "stop", ("second_choice_ignored",))


# --- counts -----------------------------------------------------------------------------------------------------------


def test_last_usage_wins_never_the_sum() -> None:
    usages = [{"prompt_tokens": 3, "completion_tokens": n} for n in (1, 2, 3)]
    reply = read(*(chunk({"content": "x"}, usage=usage) for usage in usages), chunk({}, "stop", usage=None))
    assert reply.usage == Usage(prompt_tokens=3, completion_tokens=3)


def test_bad_usage_does_not_undo_a_good_one() -> None:
    reply = read(chunk({"content": "x"}, usage=COUNTS), chunk({}, "stop", usage={"prompt_tokens": -1}))
    assert reply.usage == Usage(prompt_tokens=3, completion_tokens=4)


def test_no_usage_is_none() -> None:
    assert read(chunk({"content": "x"}, "stop")).usage is None


def test_cost_without_counts_is_kept() -> None:
    usage = read(chunk({"content": "x" * 40}, "stop", usage={"cost": 0.25})).usage
    assert usage is not None
    assert (usage.cost_usd, usage.estimated, usage.completion_tokens) == (0.25, True, 11)


# --- tools ------------------------------------------------------------------------------------------------------------


def test_tool_call_comes_whole() -> None:
    reply = read(chunk(call_of('{"q": 1}')), chunk({}, "stop"), call=WITH_TOOLS)
    assert reply.tool_calls == (ToolCall(id="c", name="f", arguments='{"q": 1}'),)
    assert reply.finish_reason == "tool_calls"


def test_no_arguments_are_an_empty_object() -> None:
    assert read(chunk(call_of(" "), "stop"), call=WITH_TOOLS).tool_calls[0].arguments == "{}"


def test_unasked_tool_call_beside_text_is_dropped() -> None:
    reader = ReplyReader(CALL)
    reader.take(chunk({"content": "x", **call_of("{}")}, "tool_calls"))
    assert reader.drain() == Delta("x")
    reply = reader.completion()
    assert (reply.tool_calls, reply.finish_reason, reply.notes) == ((), "stop", ("tool_calls_ignored",))


def test_unasked_tool_call_alone_is_a_failure() -> None:
    with pytest.raises(Transient) as caught:
        read(chunk(call_of("{}"), "tool_calls", usage=COUNTS))
    assert caught.value.reason == "invalid_output"
    assert caught.value.usage is not None


def test_broken_arguments_pass_where_they_may_be_out_already() -> None:
    reply = read(chunk(call_of('{"q": '), "stop"), call=WITH_TOOLS)
    assert reply.notes == ("tool_arguments_not_json",)


@pytest.mark.parametrize("arguments", ['{"q": ', "[1]", "x"])
def test_broken_arguments_fail_elsewhere(arguments: str) -> None:
    with pytest.raises(Transient) as caught:
        read(chunk(call_of(arguments), "stop"), call=replace(WITH_TOOLS, purpose="draft"))
    assert caught.value.reason == "invalid_output"


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"error": {"code": 429}}, "rate_limited"),
        ({"error": "broken"}, "upstream_error"),
        ({"object": "error", "code": 400}, "bad_request"),
        (chunk({}, "error"), "upstream_error"),
        ({"error": {"code": 502}, **chunk({"content": "x"}, "error")}, "upstream_5xx"),
    ],
)
def test_reported_error_is_raised(said: Any, reason: str) -> None:
    with pytest.raises(ProviderError) as caught:
        read(said)
    assert caught.value.reason == reason


def test_null_error_is_none() -> None:
    assert read({"error": None, **chunk({"content": "x"}, "stop")}).text == "x"


@pytest.mark.parametrize(
    "said",
    [
        [],
        "x",
        None,
        {"choices": {"index": 0}},
        {"choices": ["x"]},
        chunk("x"),
        chunk({"content": 7}),
        chunk({"tool_calls": "x"}),
    ],
)
def test_other_shapes_are_malformed(said: Any) -> None:
    with pytest.raises(Transient) as caught:
        read(said, call=WITH_TOOLS)
    assert caught.value.reason == "malformed_stream"


# --- far too much -----------------------------------------------------------------------------------------------------


def test_runaway_is_marked_as_cut() -> None:
    reader = ReplyReader(replace(CALL, sampling=Sampling(max_tokens=10)))
    reader.take(chunk({"content": "x" * 300}))
    assert not reader.overrun
    reader.take(chunk({"content": "x" * 300}))
    assert reader.overrun
    reply = reader.completion()
    assert reply.finish_reason == "length"
    assert "output_limit" in reply.notes


def test_without_a_cap_nothing_is_too_much() -> None:
    reader = ReplyReader(CALL)
    reader.take(chunk({"content": "x" * 100_000}))
    assert not reader.overrun


# --- whole replies ----------------------------------------------------------------------------------------------------


def test_whole_reply_is_read() -> None:
    body = whole({"role": "assistant", "content": "Hi", "refusal": None}, usage={**COUNTS, "cost": 1}, model="m")
    usage = Usage(prompt_tokens=3, completion_tokens=4, cost_usd=1.0)
    assert read_whole(body, CALL).completion() == Completion(text="Hi", usage=usage, model="m")


def test_whole_tool_calls_need_no_index() -> None:
    calls = [{"id": f"c{n}", "function": {"name": "f", "arguments": "{}"}} for n in range(2)]
    reply = read_whole(whole({"content": None, "tool_calls": calls}), WITH_TOOLS).completion()
    assert [call.id for call in reply.tool_calls] == ["c0", "c1"]


@pytest.mark.parametrize("body", [b"{", b"<html>", b"\xff\xfe", b'{"a": 1} extra', b"[" * 100_000])
def test_broken_body_is_malformed_json(body: bytes) -> None:
    with pytest.raises(Transient) as caught:
        read_whole(body, CALL)
    assert caught.value.reason == "malformed_json"


@pytest.mark.parametrize("body", [b"", b" \n", b'{"choices": []}', whole({"content": None}), whole({"content": " "})])
def test_empty_body_is_empty_output(body: bytes) -> None:
    with pytest.raises(Transient) as caught:
        read_whole(body, CALL).completion()
    assert caught.value.reason == "empty_output"


def test_filtered_reply_is_honest_not_empty() -> None:
    reply = read_whole(whole({"content": None}, "content_filter"), CALL).completion()
    assert replace(reply, model="") == Completion(finish_reason="content_filter")


def test_logprobs_of_all_pieces_are_kept() -> None:
    one, two = {"token": "a", "logprob": -0.1}, {"token": "b", "logprob": -0.2}
    pieces = [{"delta": {"content": e["token"]}, "logprobs": {"content": [e], "refusal": None}} for e in (one, two)]
    assert read(*({"choices": [p]} for p in pieces), chunk(finish="stop")).logprobs == {"content": [one, two]}


@pytest.mark.parametrize("odd", [None, [], 7, "x", {"content": None}, {"content": 7}])
def test_odd_logprobs_are_none(odd: Any) -> None:
    said = {"choices": [{"delta": {"content": "a"}, "logprobs": odd}]}
    assert read(said, chunk(finish="stop")).logprobs is None


@pytest.mark.parametrize("word", ["stop_reason", "matched_stop"])
@pytest.mark.parametrize(("stop", "read_as"), [("END", "END"), ("eos", ""), (128_009, ""), (None, ""), (["END"], "")])
def test_stop_text_is_read_where_an_upstream_names_it(word: str, stop: Any, read_as: str) -> None:
    call = replace(CALL, sampling=Sampling(stop_sequences=("STOP", "END")))
    ended = {"index": 0, "finish_reason": "stop", word: stop}
    reader = ReplyReader(call)
    reader.take({"choices": [{"delta": {"content": "a"}, word: None}]})
    reader.take({"choices": [{**ended, "delta": {}}]})
    whole = read_whole(json.dumps({"choices": [{**ended, "message": {"content": "a"}}]}).encode(), call)
    assert reader.completion().stop_sequence == whole.completion().stop_sequence == read_as
