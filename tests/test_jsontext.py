"""JSON over sockets: with orjson and without, the same values both ways."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_graph import jsontext
from fusion_graph.jsontext import plain, read_json, rounded, write_ascii, write_json
from fusion_graph.messages import Message

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@pytest.fixture(params=["orjson", "the standard library"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "orjson":
        monkeypatch.setattr(jsontext, "orjson", None)
    elif find_spec("orjson") is None:
        pytest.skip("orjson is not installed")


def test_what_is_written_is_read_again() -> None:
    @given(VALUES)
    def holds(value: Any) -> None:
        written, ascii_only = write_json(value), write_ascii(value)
        assert json.loads(written) == json.loads(ascii_only) == value
        assert ascii_only.isascii()
        assert b"\n" not in written

    holds()


def test_json_is_read_as_the_library_reads_it() -> None:
    words = ['{"a": 1}', "{}", "[1]", '"x"', "1", "null", "{", "}", "{} {}", "", "NaN", '"\\ud800"', '{"a": -Infinity}']

    @given(st.sampled_from(words), st.text(" \n\t", max_size=2))
    def holds(value: str, blank: str) -> None:
        for text in (value, blank + value, value + blank):
            assert outcome(read_json, text.encode()) == outcome(json.loads, text)

    holds()


@pytest.mark.parametrize("data", [b"\xff", b"[" * 100_000, b'"\xed\xa0\x80"'])
def test_what_is_no_json_is_an_error(data: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        read_json(data)


def test_what_cannot_be_sent_on_can_be_refused() -> None:
    for text in (b"[NaN]", b'{"a": Infinity}', b'{"a": "\\ud800"}', b'{"\\uDc00": 1}'):
        with pytest.raises(ValueError, match=r"NaN|Infinity|surrogates"):
            read_json(text, strict=True)
    assert read_json(b'{"a": "\\ud83d\\ude00"}', strict=True) == {"a": "\U0001f600"}


def test_what_json_does_not_have_can_be_spelt() -> None:
    assert json.loads(write_json({"at": {1}}, str)) == {"at": "{1}"}


def outcome(read: Callable[[Any], Any], text: bytes | str) -> Any:
    try:
        return repr(read(text))
    except ValueError:
        return ValueError


def test_what_json_lacks_becomes_null_or_text() -> None:
    message = Message("user", ({"type": "text", "text": "x"},))
    assert plain((float("inf"), float("nan"), 1.5, None, True)) == [None, None, 1.5, None, True]
    assert plain(message)["content"] == [{"type": "text", "text": "x"}]
    assert plain({1: object}) == {"1": str(object)}


@given(st.floats(0, 1e6), st.sampled_from([3, 6]))
def test_rounded_is_short(value: float, digits: int) -> None:
    got = rounded(value, 10**digits)
    assert got == round(got, digits)
    assert abs(got - value) <= 0.51 / 10**digits
