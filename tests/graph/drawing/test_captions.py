"""graph/drawing/captions: the words of a picture, and hostile text made harmless."""

from __future__ import annotations

import pytest

from fusion_graph.contracts import Wait, WaitAll, WaitFirst, WaitGroup
from fusion_graph.graph.drawing.captions import LONGEST, cells, clean, conditions, ending, shorten, waiting, wrap
from fusion_graph.pipeline import AnyOf, Comparison, Condition, FieldRef, NodeId, Param


def test_clean_leaves_one_printable_line() -> None:
    assert clean("a\n\tb  c") == "a b c"
    assert clean("\x1b[31mred\x07 \u202eevil \ud800") == "?[31mred? ?evil ?"
    assert len(clean("x" * 999)) == LONGEST


def test_condition_reads_as_a_sentence() -> None:
    field = Comparison(FieldRef(NodeId("verdict"), "contradictions"), "above", 0)
    flag = Comparison(FieldRef(NodeId("a"), "truncated"), "not_equals", operand=True)
    either = AnyOf((Condition((Comparison(Param("x"), "equals", Param("y")),)), Condition((flag,))))
    assert conditions(Condition((field, either))) == (
        "verdict.contradictions > 0 and (params.x = params.y or a.truncated is not true)"
    )


@pytest.mark.parametrize(
    ("wait", "text"),
    [
        (WaitAll(), ""),
        (WaitFirst(), ""),
        (WaitFirst(4), "hedge after 4 s"),
        (WaitGroup(), ""),
        (WaitGroup(quorum=0), "needs all 5"),
        (WaitGroup(quorum=2), "quorum 2 of 5"),
        (WaitGroup(quorum=2, grace_s=1.5), "quorum 2 of 5, grace 1.5 s"),
        (WaitGroup(agree=3), "3 at a time, stop at 3 alike"),
        (WaitGroup(agree=3, window=4), "4 at a time, stop at 3 alike"),
    ],
)
def test_waiting_is_told_in_words(wait: Wait, text: str) -> None:
    assert waiting(wait, 5) == text


def test_ending_tells_what_is_known() -> None:
    assert ending("ok", "", 3.21, 0.00123) == "ok, 3.2 s, $0.0012"
    assert ending("failed", "auth_failed", None, None) == "failed: auth_failed"
    assert ending("skipped", "skipped", 0.0, 0.0) == "skipped, $0"
    assert ending("ok", "", 0.01, 12.3) == "ok, $12.30"


def test_width_counts_cells() -> None:
    assert cells("abc") == 3
    assert cells("数据") == 4
    assert cells("e\u0301") == 1


def test_shorten_marks_the_cut() -> None:
    assert shorten("short", 5) == "short"
    assert shorten("anthropic/claude", 10) == "anthrop..."
    assert cells(shorten("数据数据数据", 8)) <= 8


def test_wrap_stops_after_the_last_line() -> None:
    assert wrap("one two three four five six", 12, 2) == ["one two", "  three ..."]
    assert all(cells(line) <= 12 for line in wrap("数据 " * 20, 12, 3))
    assert len(wrap("word " * 50, 20, 2)) == 2
