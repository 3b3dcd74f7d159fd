"""Where an edit goes: one place beyond doubt, or nowhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion_graph.errors import ToolError
from fusion_graph.tools._files.edits import edit

TEXT = "class A:\n    def f(self):\n        return 1\n\n    def g(self):\n        return 2\n"


def test_an_exact_place() -> None:
    assert edit(TEXT, "return 2", "return 3") == (TEXT.replace("return 2", "return 3"), 1, "exact")


def test_two_places_are_refused_with_their_lines() -> None:
    with pytest.raises(ToolError, match=r"2 times \(lines 3, 6\)"):
        edit(TEXT, "        return ", "x")
    assert edit(TEXT, "return", "yield", every=True)[1] == 2


def test_other_indentation_is_found_and_kept() -> None:
    after, _, how = edit(TEXT, "def g(self):\n    return 2", "def g(self):\n    x = 2\n    return x")
    assert how == "white space"
    assert after.endswith("    def g(self):\n        x = 2\n        return x\n")


def test_tabs_for_spaces() -> None:
    after, _, _ = edit("if x:\n\treturn 1\n", "    return 1", "    return 2")
    assert after == "if x:\n\treturn 2\n"


def test_line_ends_stay() -> None:
    after, _, _ = edit("a\r\nb  c\r\nd\r\n", "b c", "e\nf")
    assert after == "a\r\ne\r\nf\r\nd\r\n"


def test_two_loose_places_are_refused() -> None:
    with pytest.raises(ToolError, match=r"2 places differ from it only in white space \(lines 1, 2\)"):
        edit("a  b\na   b\n", "a b", "c")


def test_mixed_indentation_is_not_guessed() -> None:
    with pytest.raises(ToolError, match="in several ways"):
        edit("  a\n      b\n", "a\n  b", "c\n    d")


def test_a_near_miss_is_shown() -> None:
    with pytest.raises(ToolError, match=r"The nearest lines are these[^$]*     2      def f\(self\):"):
        edit(TEXT, "    def f(self, x):\n        return 1", "")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [("x", "x", "same text"), (" \n", "y", "blank"), ("nothing like it at all", "y", "read it again")],
)
def test_what_cannot_be_meant(old: str, new: str, told: str) -> None:
    with pytest.raises(ToolError, match=told):
        edit(TEXT, old, new)


@given(
    st.text(alphabet="ab \n\t", max_size=60),
    st.text(alphabet="ab \n\t", min_size=1, max_size=20),
    st.text("cd \n", max_size=9),
)
def test_it_never_changes_another_place(text: str, old: str, new: str) -> None:
    """Whatever stood before and behind the place stands there still."""
    try:
        after, _, how = edit(text, old, new)
    except ToolError:
        return
    if how == "exact":
        before, _, behind = text.partition(old)
        assert after == before + new + behind
    else:
        lines = [line for line in text.splitlines() if line.strip()]
        kept = [line for line in after.splitlines() if line.strip()]
        assert len([line for line in lines if line not in kept]) <= len(old.splitlines())
