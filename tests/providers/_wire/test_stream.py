"""Streams: one delta a read, whole at the end, and the short way is the same as the long one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.errors import ProviderError
from fusion_graph.messages import Call, Delta, Message, Sampling
from fusion_graph.providers._wire.stream import Pattern, StreamReader

CALL = Call("a/x", (Message("user", "hi"),), Sampling())
DONE = b"data: [DONE]\n\n"


def chunk(text: str | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {"id": "1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": None, **more}


def sse(*values: Any, ascii_only: bool = True) -> bytes:
    return b"".join(b"data: " + json.dumps(v, ensure_ascii=ascii_only).encode() + b"\n\n" for v in values)


FINISH = sse(chunk(finish="stop"))


def feed(*pieces: bytes, call: Call = CALL) -> tuple[StreamReader, list[Delta]]:
    reader = StreamReader(call)
    return reader, [delta for piece in pieces if (delta := reader.feed(piece)) is not None]


def reason_of(*pieces: bytes) -> str:
    with pytest.raises(ProviderError) as caught:
        feed(*pieces)[0].completion()
    return caught.value.reason


def test_one_read_is_one_delta() -> None:
    reader, deltas = feed(sse(chunk("a"), chunk("b")), sse(chunk("c")), FINISH + DONE)
    assert deltas == [Delta("ab"), Delta("c")]
    assert reader.completion().text == "abc"
    assert reader.ended
    assert reader.clean


def test_finish_comes_before_the_end() -> None:
    reader, _ = feed(sse(chunk("a")))
    assert not reader.finished
    reader.feed(FINISH)
    assert reader.finished
    assert not reader.ended


def test_usage_after_finish_counts() -> None:
    counts = {"prompt_tokens": 1, "completion_tokens": 2}
    reader, _ = feed(sse(chunk("a")), FINISH, sse({"choices": [], "usage": counts}), DONE)
    usage = reader.completion().usage
    assert usage is not None
    assert usage.completion_tokens == 2


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ((b"",), "empty_output"),
        ((b": hi\n\n",), "empty_output"),
        ((sse(chunk("a")),), "truncated_stream"),
        ((sse(chunk("a")), DONE), "truncated_stream"),
        ((FINISH, DONE), "empty_output"),
        ((sse(chunk(" ")), FINISH), "empty_output"),
        ((sse(chunk("a")), b"data: {\n\n"), "malformed_stream"),
        ((b'data: {"choices": "\xff"}\n\n',), "malformed_stream"),
        ((sse(chunk("a")), b"event: error\ndata: down\n\n"), "upstream_error"),
        ((sse(chunk("a")), b'event: error\ndata: {"code": 429}\n\n'), "rate_limited"),
        ((sse(chunk("a")), b'event: error\ndata: {"error": {"code": 400}}\n\n'), "bad_request"),
        ((sse({"error": {"code": 500}}),), "upstream_5xx"),
    ],
)
def test_broken_stream_has_its_reason(pieces: tuple[bytes, ...], reason: str) -> None:
    assert reason_of(*pieces) == reason


@pytest.mark.parametrize("pieces", [(FINISH + DONE + sse(chunk("late")),), (FINISH, DONE, sse(chunk("late")))])
def test_data_after_done_is_ignored_not_clean(pieces: tuple[bytes, ...]) -> None:
    reader, _ = feed(sse(chunk("a")), *pieces)
    assert reader.completion().text == "a"
    assert not reader.clean


def test_blank_after_done_is_clean() -> None:
    assert feed(sse(chunk("a")), FINISH + DONE, b"\n\n")[0].clean


def test_runaway_ends_the_stream() -> None:
    reader, _ = feed(sse(chunk("x" * 1000)), call=replace(CALL, sampling=Sampling(max_tokens=1)))
    assert reader.ended
    assert not reader.clean
    assert reader.completion().finish_reason == "length"


# --- the short way ----------------------------------------------------------------------------------------------------


def learned(value: dict[str, Any]) -> tuple[Pattern, bytes]:
    """A pattern, and the event that it knows, as it is on the wire."""
    data = json.dumps(value).encode()
    pattern = Pattern()
    pattern.learn(data, json.loads(data))
    return pattern, b"data: " + data + b"\n\n"


def hello(text: bytes) -> bytes:
    return b"data: " + json.dumps(chunk("hello")).encode().replace(b"hello", text) + b"\n\n"


def test_known_ends_give_the_text() -> None:
    pattern, _ = learned(chunk("hello"))
    for raw, text in ((b" w\xc3\xb6rld", " wörld"), (rb"a\nb\"", 'a\nb"'), (rb"\u00e9", "é"), (b"", "")):
        assert pattern.text_in(hello(raw)) == text
        assert pattern.split(hello(raw)) == [text, b""]


@pytest.mark.parametrize("text", [b'a"b', b"a\\", b"a\nb", b"\xff", b"\x00", b'", "content": "x'])
def test_doubtful_text_is_parsed(text: bytes) -> None:
    pattern, _ = learned(chunk("hello"))
    assert pattern.text_in(hello(text)) is None
    assert pattern.split(hello(text))[0] in (hello(text), hello(text)[:-2])


@pytest.mark.parametrize(
    "value",
    [
        chunk("hello", "stop"),
        chunk("hello", usage={"prompt_tokens": 1}),
        {"choices": [{"index": 1, "delta": {"content": "hello"}}]},
        {"choices": [{"index": 0, "delta": {"content": "hello", "reasoning": "r"}}]},
        {"choices": [chunk("hello")["choices"][0]] * 2},
        chunk(""),
        {"choices": []},
    ],
)
def test_only_plain_text_is_learned(value: dict[str, Any]) -> None:
    pattern, _ = learned(value)
    assert not pattern.known


def test_text_that_stands_elsewhere_is_not_mistaken() -> None:
    pattern, _ = learned({**chunk("hello"), "id": "hello", "z": "hello"})
    assert not pattern.known


def test_text_that_is_the_mark_is_not_mistaken() -> None:
    pattern, _ = learned({**chunk("?"), "z": "?"})
    assert not pattern.known


def test_event_of_several_lines_is_not_learned() -> None:
    # on the wire each of its lines begins with `data:`
    pattern = Pattern()
    data = json.dumps(chunk("hello"), indent=1).encode()
    pattern.learn(data, json.loads(data))
    assert not pattern.known


def test_changing_events_are_soon_given_up() -> None:
    pattern = Pattern()
    for number in range(10):
        data = json.dumps(chunk("é", n=number)).encode()
        if pattern.tries:
            pattern.learn(data, json.loads(data))
    assert pattern.tries == 0


@pytest.mark.parametrize("rest", [b"", b"data: [DONE]\n\n", b": beat\n\n", hello(b"d")[:-1], hello(b"d")[:9], b"\n"])
def test_many_at_once_are_read_at_once(rest: bytes) -> None:
    pattern, _ = learned(chunk("hello"))
    assert pattern.split(hello(b"a") + hello(b"") + hello(b"b c") + rest) == ["ab c", rest]


@pytest.mark.parametrize("odd", [b"data: [DONE]\n\n", b": beat\n\n", b"event: x\ndata: 1\n\n", sse(chunk("x", "stop"))])
def test_what_is_between_is_left_as_it_came(odd: bytes) -> None:
    pattern, _ = learned(chunk("hello"))
    stream = hello(b"a") + odd + hello(b"b")
    left = [hello(piece.encode()) if isinstance(piece, str) else piece for piece in pattern.split(stream)]
    assert b"".join(left) == stream


@pytest.mark.parametrize("more", [hello(b"b"), b": beat\n\n", b"data: [DONE]\n\n", b"x"])
def test_more_than_one_event_is_not_one_text(more: bytes) -> None:
    pattern, data = learned(chunk("hello"))
    assert pattern.text_in(data + more) is None
    assert pattern.text_in(more + data) is None
    assert pattern.text_in(data[: len(data) // 2]) is None
    assert Pattern().text_in(data) is None


def test_odd_text_among_others_is_parsed_alone() -> None:
    pattern, _ = learned(chunk("hello"))
    pieces = pattern.split(hello(b"a") + hello(b"\\") + hello(b"\\n") + hello(b"b"))
    assert pieces == ["a", hello(b"\\"), "\n", "b", b""]


def test_strings_that_are_one_only_together_are_parsed() -> None:
    pattern, _ = learned(chunk("hello"))
    for first, second in ((b"\\", b"n"), (b"\\u00", b"e9"), (b"\xc3", b"\xa9")):
        pieces = pattern.split(hello(first) + hello(second))
        assert pieces[0] == hello(first)


@given(st.lists(st.text('ab"\\é\n ', max_size=3), min_size=5, max_size=30), st.integers(1, 4000))
def test_bursts_say_the_same(texts: list[str], size: int) -> None:
    stream = sse(*(chunk(text) for text in ["one", "two", *texts]), ascii_only=False) + FINISH + DONE
    reader, _ = feed(*(stream[i : i + size] for i in range(0, len(stream), size)))
    assert reader.completion().text == "onetwo" + "".join(texts)
    assert reader.ended


@given(st.lists(st.text(max_size=6), min_size=1, max_size=12), st.integers(1, 40), st.booleans())
def test_short_way_says_the_same(texts: list[str], size: int, ascii_only: bool) -> None:
    stream = sse(*(chunk(text) for text in ["seen", *texts]), ascii_only=ascii_only) + FINISH + DONE
    reader, deltas = feed(*(stream[i : i + size] for i in range(0, len(stream), size)))
    assert "".join(delta.text for delta in deltas) == reader.completion().text == "seen" + "".join(texts)
    assert all(delta.text for delta in deltas)


def test_logprobs_are_never_skipped() -> None:
    """Events with the same ones would look like the same event with another text."""

    def told(text: str) -> dict[str, Any]:
        made = chunk(text)
        made["choices"][0]["logprobs"] = {"content": [{"token": "t", "logprob": -1.0}]}
        return made

    reader, _ = feed(*(sse(told(text)) for text in "abcdef"), FINISH + DONE)
    logprobs = reader.completion().logprobs
    assert logprobs is not None
    assert len(logprobs["content"]) == 6


def test_text_that_stands_between_strings_is_not_mistaken() -> None:
    """What is put in its place there would be no JSON any more."""
    pattern = Pattern()
    data = json.dumps({**chunk(","), "z": ["a", "b"]}, separators=(",", ":")).encode()
    pattern.learn(data, json.loads(data))
    assert not pattern.known
