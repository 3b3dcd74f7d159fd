"""Halves of characters: joined across pieces, replaced where they stand alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.providers._wire.text import TextJoiner, join_halves


def join(*pieces: str) -> str:
    joiner = TextJoiner()
    return "".join(joiner.take(piece) for piece in pieces)


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (("plain", " text"), "plain text"),
        (("a\ud83d", "\ude00b"), "a\U0001f600b"),
        (("\ud83d", "", "\ude00"), "\U0001f600"),
        (("\ud83d", "x"), "\ufffdx"),
        (("\ude00", "ü"), "\ufffdü"),
        (("x\ud83d",), "x"),
    ],
)
def test_pieces_make_whole_characters(pieces: tuple[str, ...], text: str) -> None:
    assert join(*pieces) == text


@given(st.lists(st.text(st.characters(exclude_categories=()))))
def test_result_can_always_be_written(pieces: list[str]) -> None:
    join(*pieces).encode()
    join_halves("".join(pieces)).encode()


@given(st.text(), st.integers(0, 5))
def test_whole_text_is_never_changed(text: str, size: int) -> None:
    assert join(*(text[i : i + size + 1] for i in range(0, len(text), size + 1))) == text
