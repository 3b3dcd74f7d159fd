from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph.errors import ToolError
from fusion_graph.tools.write_file import TOOL
from tests.tools.conftest import Call


def test_a_file_is_made_and_replaced(call: Call, root: Path) -> None:
    assert call(TOOL, path="new/one.txt", content="a\nb\n") == "made new/one.txt, 2 lines"
    assert call(TOOL, path=str(root / "new" / "one.txt"), content="c") == "replaced new/one.txt, 1 lines"
    assert (root / "new" / "one.txt").read_text() == "c"


def test_outside_nothing_is_written(call: Call, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="outside the folder"):
        call(TOOL, path=str(tmp_path / "x"), content="")
    assert not (tmp_path / "x").exists()


def test_it_changes_something() -> None:
    assert (TOOL.mutates, TOOL.local) == (True, True)
