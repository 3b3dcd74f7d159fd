from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph.errors import ToolError
from fusion_graph.tools import search_files
from fusion_graph.tools.search_files import TOOL
from tests.tools.conftest import Call


def test_lines_that_match(call: Call) -> None:
    assert call(TOOL, pattern=r"return \d+") == "src/app.py:2: return 41\nsrc/app.py:6: return 41"
    assert call(TOOL, pattern="MAIN", ignore_case=True) == "keep.log:1: main\nsrc/app.py:1: def main():"
    assert call(TOOL, pattern="main", files="*.py") == "src/app.py:1: def main():"
    assert call(TOOL, pattern="main():", literal=True, path="src/app.py") == "src/app.py:1: def main():"
    assert "no line matches" in call(TOOL, pattern="absent")


def test_what_is_wrong_is_said(call: Call) -> None:
    with pytest.raises(ToolError, match="not a regular expression"):
        call(TOOL, pattern="(")
    with pytest.raises(ToolError, match="outside the folder"):
        call(TOOL, pattern="x", path="/etc")
    with pytest.raises(ToolError, match="there is no"):
        call(TOOL, pattern="x", path="gone")


def test_an_expression_that_takes_for_ever_is_ended(call: Call, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "long.txt").write_text("a" * 50 + "!\n")
    monkeypatch.setattr(search_files, "SECONDS", 0.5)
    assert "stopped after 0.5 s" in call(TOOL, pattern="(a+)+$")


def test_many_matches_are_cut(call: Call, root: Path) -> None:
    (root / "many.txt").write_text("x1\n" * 5000)
    assert "the first 200 matches" in call(TOOL, pattern="x1")
