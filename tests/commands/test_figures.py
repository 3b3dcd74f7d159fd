"""Money, time and counts in a few characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.commands._figures import columns, count, seconds, several, usd


@pytest.mark.parametrize(
    ("cost", "text"),
    [(None, "?"), (0.0, "$0"), (0.00001, "<$0.0001"), (0.0012, "$0.0012"), (0.5, "$0.5000"), (1234.5, "$1,234.50")],
)
def test_dollars(cost: float | None, text: str) -> None:
    assert usd(cost) == text


@pytest.mark.parametrize(("value", "text"), [(None, ""), (0.04, "0.0 s"), (99.94, "99.9 s"), (99.96, "1:40 min")])
def test_seconds(value: float | None, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (3400, "3.4k"), (99_960, "100k"), (999_600, "1.0M"), (1_234_567, "1.2M")],
)
def test_counts(value: int, text: str) -> None:
    assert count(value) == text


def test_several_of_a_thing() -> None:
    assert [several(n, "call") for n in (0, 1, 2000)] == ["0 calls", "1 call", "2,000 calls"]


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
