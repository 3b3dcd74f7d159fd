"""Server-sent events: legal forms, refusals, and that the network's cuts change nothing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.errors import Permanent, Transient
from fusion_graph.providers._wire.sse import MAX_EVENT_BYTES, Event, SseParser


def parse(*chunks: bytes) -> list[Event]:
    parser = SseParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize(
    "stream",
    [
        b"data: a\n\ndata: b\n\n",
        b"data: a\r\n\r\ndata: b\r\n\r\n",
        b"data: a\r\rdata: b\r\r",
        b"\xef\xbb\xbfdata: a\n\ndata: b\n\n",
        b"data:a\n\ndata:b\n\n",
        b": hello\n\ndata: a\n\n:\n\n\n\ndata: b\n\n",
        b"id: 7\nretry: 10\ndata: a\n\ndata: b\nid\n\n",
    ],
    ids=["lf", "crlf", "cr", "bom", "no space", "comments", "fields"],
)
def test_legal_forms_read_the_same(stream: bytes) -> None:
    assert parse(stream) == [(b"", b"a"), (b"", b"b")]
    assert parse(*(bytes([byte]) for byte in stream)) == [(b"", b"a"), (b"", b"b")]


def test_data_lines_join() -> None:
    assert parse(b"data: a\ndata:\ndata:  b\n\n") == [(b"", b"a\n\n b")]


def test_event_name_comes_along() -> None:
    assert parse(b"event: error\ndata: {}\n\n") == [(b"error", b"{}")]


def test_event_without_data_is_none() -> None:
    assert parse(b"event: ping\n\ndata:\n\ndata\n\n") == []


def test_unfinished_event_is_none() -> None:
    assert parse(b"data: a\n\ndata: b\n") == [(b"", b"a")]


@pytest.mark.parametrize("line", [b'{"choices": []}', b"datum: x", b"<html>"])
def test_unknown_line_is_malformed(line: bytes) -> None:
    with pytest.raises(Transient) as caught:
        parse(line + b"\n\n")
    assert caught.value.reason == "malformed_stream"


@pytest.mark.parametrize("end", [b"", b"\n\n"])
def test_oversized_event_is_refused(end: bytes) -> None:
    with pytest.raises(Permanent) as caught:
        parse(b"data: ", b"x" * MAX_EVENT_BYTES + end)
    assert caught.value.reason == "body_too_large"


def test_oversized_event_in_drops_is_refused() -> None:
    with pytest.raises(Permanent):
        parse(*[b"x" * 1000] * (MAX_EVENT_BYTES // 1000 + 1))


FIELD = st.sampled_from([b"data", b"data", b"event", b"id", b"retry", b""])
LINE = st.builds(
    lambda field, text: field + b":" + text, FIELD, st.binary(max_size=8).filter(lambda b: not {10, 13} & {*b})
)
END = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(st.lists(st.tuples(st.one_of(LINE, st.just(b"")), END)), st.lists(st.integers(0, 200)), st.booleans())
def test_cuts_change_nothing(lines: list[tuple[bytes, bytes]], cuts: list[int], bom: bool) -> None:
    stream = (b"\xef\xbb\xbf" if bom else b"") + b"".join(line + end for line, end in lines)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(places)]
    assert parse(*pieces) == parse(stream) == reference(stream)


def reference(stream: bytes) -> list[Event]:
    """The standard's own algorithm, over the whole stream at once."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events: list[Event] = []
    name = b""
    data: list[bytes] = []
    for line in text.split(b"\n")[:-1]:
        field, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if not line:
            if b"\n".join(data):
                events.append((name, b"\n".join(data)))
            name, data = b"", []
        elif field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return events


@given(st.lists(st.text(min_size=1).filter(lambda text: not set(text) & {"\n", "\r"})), st.integers(1, 9))
def test_round_trip_of_any_text(texts: list[str], size: int) -> None:
    stream = b"".join(b"data: " + text.encode() + b"\n\n" for text in texts)
    pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
    assert [data.decode() for _, data in parse(*pieces)] == texts
