from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph.errors import ToolError
from fusion_graph.tools.edit_file import TOOL
from tests.tools.conftest import Call


def test_one_place_is_changed(call: Call, root: Path) -> None:
    told = call(TOOL, path="src/app.py", old="def main():\n    return 41", new="def main():\n    return 42")
    assert told == "changed src/app.py at 1 place"
    assert (root / "src" / "app.py").read_text().startswith("def main():\n    return 42\n")


def test_every_place(call: Call) -> None:
    assert call(TOOL, path="src/app.py", old="41", new="42", every=True) == "changed src/app.py at 2 places"


def test_loose_white_space_is_told(call: Call) -> None:
    told = call(TOOL, path="src/app.py", old="def   main():\n  return 41", new="def main():\n  return 42")
    assert told.endswith("the old lines differed in white space only")


def test_a_doubtful_place_changes_nothing(call: Call, root: Path) -> None:
    before = (root / "src" / "app.py").read_bytes()
    with pytest.raises(ToolError, match="2 times"):
        call(TOOL, path="src/app.py", old="return 41", new="x")
    assert (root / "src" / "app.py").read_bytes() == before
