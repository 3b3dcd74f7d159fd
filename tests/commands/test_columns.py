"""Tables and lines for a screen of any width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.commands._columns import columns


def test_columns_line_up() -> None:
    rows = [("node", "calls", "note"), ("a", "1", ""), ("long name", "12", "x")]
    assert columns(rows, right=frozenset({1})) == "node       calls  note\na              1\nlong name     12  x"


ROWS = [
    ("node", "model", "calls", "cost"),
    ("panel/one", "vendor/name", "1", "$0.1"),
    ("answer", "vendor/other", "12", "$2"),
]


def test_a_table_that_is_too_wide_is_broken_behind_its_first_column() -> None:
    assert columns(ROWS, right=frozenset({2, 3}), width=30) == (
        "node       model         calls\npanel/one  vendor/name       1\nanswer     vendor/other     12\n\n"
        "node       cost\npanel/one  $0.1\nanswer       $2"
    )


def test_columns_move_closer_before_a_table_is_broken() -> None:
    shown = columns(ROWS, right=frozenset({2, 3}), width=33)
    assert shown.split("\n")[1] == "panel/one vendor/name      1 $0.1"


def test_words_in_the_last_column_are_broken_first() -> None:
    rows = [
        ("sandbox", "a view of its own of the disk, and of nothing else"),
        ("home", "/a/long/path/without/blanks"),
    ]
    assert columns(rows, width=40).split("\n") == [
        "sandbox  a view of its own of the disk,",
        "         and of nothing else",
        "home     /a/long/path/without/blanks",
    ]


@given(
    st.lists(st.tuples(*[st.text("ab c", max_size=30)] * 5), max_size=4),
    st.integers(0, 90),
    st.frozensets(st.integers(0, 4)),
)
def test_nothing_is_lost_whatever_the_width(rows: list[tuple[str, ...]], width: int, right: frozenset[int]) -> None:
    shown = columns(rows, right=right, width=width)
    for row in rows:
        for cell in row:
            assert all(word in shown for word in cell.split())
    if width >= 70:  # two columns always fit
        assert all(len(line) <= width for line in shown.split("\n"))
