"""graph/drawing/layers: boxes in rows. Properties over random graphs, and the shapes that matter."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.graph.drawing.layers import Rows, place

LIMIT = 100


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Boxes of odd widths and arrows that point on."""
    widths = [2 * n + 1 for n in draw(st.lists(st.integers(5, 20), min_size=1, max_size=14))]
    arrows = [
        (f"n{i}", f"n{j}")
        for j in range(len(widths))
        for i in draw(st.sets(st.integers(0, len(widths) - 1), max_size=3))
        if i < j
    ]
    return {f"n{i}": width for i, width in enumerate(widths)}, arrows


def row_of(made: Rows) -> dict[str, int]:
    return {slot.box: r for r, row in enumerate(made.rows) for slot in row if slot.box}


@given(graphs())
def test_rows_hold_and_keep_apart(case: tuple[dict[str, int], list[tuple[str, str]]]) -> None:
    widths, arrows = case
    made = place(widths, arrows, LIMIT)
    if made is None:
        return
    rows = row_of(made)
    assert rows.keys() == widths.keys()
    assert all(rows[source] < rows[target] for source, target in arrows)
    for row in made.rows:
        assert row[0].x >= 0
        assert row[-1].x + row[-1].width <= LIMIT
        assert all(a.x + a.width < b.x for a, b in pairwise(row))


def test_same_graph_same_place() -> None:
    widths, arrows = {f"n{i}": 15 for i in range(9)}, [(f"n{i}", f"n{i + 2}") for i in range(7)]
    assert place(widths, arrows, LIMIT) == place(widths, arrows, LIMIT)


def test_full_row_goes_on_below() -> None:
    made = place({f"n{i}": 25 for i in range(10)}, [], LIMIT)
    assert made is not None
    assert [len(row) for row in made.rows] == [3, 3, 3, 1]


def test_source_stands_above_its_first_reader() -> None:
    made = place(dict.fromkeys("abcd", 15), [("a", "b"), ("b", "c"), ("d", "c")], LIMIT)
    assert made is not None
    assert row_of(made)["d"] == 1


def test_box_wider_than_the_sheet_does_not_fit() -> None:
    assert place({"a": 101}, [], LIMIT) is None


def test_too_many_lines_do_not_fit() -> None:
    widths = dict.fromkeys("abcdefgh", 15) | {"wide": 99}
    arrows = [(n, m) for n in "abcd" for m in "efgh"] + [("a", "wide"), ("wide", "e")]
    assert place(widths, arrows, LIMIT) is None
