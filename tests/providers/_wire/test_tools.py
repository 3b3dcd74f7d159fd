"""Tool calls as upstreams write them, made regular."""

from __future__ import annotations

from typing import Any

import pytest

from fusion_graph.errors import Transient
from fusion_graph.messages import ToolCallDelta
from fusion_graph.providers._wire.tools import ToolCallReader


def piece(arguments: Any = "", name: str | None = None, **entry: Any) -> dict[str, Any]:
    return {**entry, "function": {"arguments": arguments, **({} if name is None else {"name": name})}}


def read(*entries: dict[str, Any]) -> list[ToolCallDelta]:
    reader = ToolCallReader()
    return [delta for entry in entries for delta in reader.take([entry])]


def test_regular_pieces_pass() -> None:
    assert read(piece("{", "f", index=0, id="a"), piece("}", index=0)) == [
        ToolCallDelta(0, "a", "f", "{"),
        ToolCallDelta(0, "", "", "}"),
    ]


def test_parallel_calls_interleave() -> None:
    entries = [piece("1", "f", index=0, id="a"), piece("2", "g", index=1, id="b"), piece("3", index=0)]
    assert [(d.index, d.arguments) for d in read(*entries)] == [(0, "1"), (1, "2"), (0, "3")]


def test_missing_index_goes_by_order() -> None:
    entries = [piece("1", "f", id="a"), piece("2"), piece("3", "g", id="b"), piece("4", id="a")]
    assert [(d.index, d.arguments) for d in read(*entries)] == [(0, "1"), (0, "2"), (1, "3"), (0, "4")]


def test_missing_id_is_invented() -> None:
    reader = ToolCallReader()
    (delta,) = reader.take([piece("{}", "f", index=0)])
    assert delta.id == "call_0"
    assert reader.notes == ["tool_call_id_invented"]


def test_invented_id_is_never_taken() -> None:
    first, second = read(piece("", "f", index=0, id="call_1"), piece("", "g", index=1))
    assert first.id != second.id


def test_repeated_id_and_name_come_once() -> None:
    first, second = read(piece("1", "f", index=0, id="a"), piece("2", "f", index=0, id="a"))
    assert (first.id, first.name) == ("a", "f")
    assert second == ToolCallDelta(0, "", "", "2")


def test_same_id_in_two_calls_is_split() -> None:
    first, second = read(piece("", "f", index=0, id="a"), piece("", "g", index=1, id="a"))
    assert (first.id, second.id) == ("a", "call_1")


def test_same_index_in_two_calls_is_split() -> None:
    first, second, third = read(piece("1", "f", index=0, id="a"), piece("2", "f", index=0, id="b"), piece("3", index=0))
    assert (first.index, second.index, third.index) == (0, 1, 1)


def test_object_arguments_become_text() -> None:
    assert read(piece({"q": 1}, "f", index=0, id="a"))[0].arguments == '{"q": 1}'


@pytest.mark.parametrize("raw", [{}, ["x"], [{"function": 3}], [piece(7, "f", index=0)]])
def test_other_shapes_are_malformed(raw: Any) -> None:
    with pytest.raises(Transient) as caught:
        ToolCallReader().take(raw)
    assert caught.value.reason == "malformed_stream"
