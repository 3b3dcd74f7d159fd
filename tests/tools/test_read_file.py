from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph.errors import ToolError
from fusion_graph.tools.read_file import TOOL
from tests.tools.conftest import Call


def test_lines_are_numbered(call: Call) -> None:
    assert (
        call(TOOL, path="src/app.py", start=2, end=3)
        == "src/app.py, lines 2 to 3 of 6\n     2      return 41\n     3  "
    )
    assert call(TOOL, path="README.md").startswith("README.md, lines 1 to 3 of 3\n")


def test_long_files_and_lines_are_cut(call: Call, root: Path) -> None:
    (root / "long").write_text("x" * 3000 + "\n" + "y\n" * 2000)
    told = call(TOOL, path="long")
    assert told.startswith("long, lines 1 to 800 of 2001\n")
    assert "[... 2000 characters cut ...]" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"path": "gone"}, "there is no gone"),
        ({"path": "src"}, "is a folder"),
        ({"path": "../x"}, "holds `..`"),
        ({"path": "README.md", "start": 9}, "has 3 lines"),
        ({"path": "README.md", "start": 3, "end": 2}, "comes before"),
    ],
)
def test_what_is_wrong_is_said(call: Call, arguments: dict[str, object], told: str) -> None:
    with pytest.raises(ToolError, match=told):
        call(TOOL, **arguments)


def test_an_empty_file(call: Call, root: Path) -> None:
    (root / "empty").touch()
    assert call(TOOL, path="empty") == "empty is empty"
