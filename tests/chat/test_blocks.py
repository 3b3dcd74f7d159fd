from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.chat.blocks import LONGEST, Blocks


def blocks(*pieces: str) -> list[str]:
    made = Blocks()
    done = [block for piece in pieces for block in made.add(piece)]
    return [*done, made.rest()]


def test_paragraphs_end_at_blank_lines() -> None:
    assert blocks("a\nb\n", "\nc", "\n \nd") == ["a\nb", "c", "d"]


def test_a_fenced_block_is_one() -> None:
    assert blocks("x\n\n```py\na\n\nb\n``", "`\n\ny") == ["x", "```py\na\n\nb\n```", "y"]
    assert blocks("~~~\n\n```\n\n~~~\n\nz") == ["~~~\n\n```\n\n~~~", "z"]


def test_an_endless_paragraph_is_shown_all_the_same() -> None:
    assert len(blocks("x" * (LONGEST + 1))) == 2


@given(st.text(alphabet="a\n`~ ", max_size=80), st.integers(1, 7))
def test_no_word_is_lost_however_it_is_cut(text: str, size: int) -> None:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert "\n".join(blocks(*pieces)).split() == text.split()
