from __future__ import annotations

from pathlib import Path

import pytest

from fusion_graph.agent.preview import MOST_LINES, diff, preview
from fusion_graph.errors import ToolError
from fusion_graph.tools._files.workspace import Workspace


def test_each_change_as_it_will_be(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\ntwo\n")
    space = Workspace(tmp_path)
    assert preview("bash", {"command": "ls"}, space) == "$ ls"
    new = preview("write_file", {"path": "b.py", "content": "x\n"}, space)
    assert new.splitlines() == ["--- /dev/null", "+++ b/b.py", "@@ -0,0 +1 @@", "+x"]
    changed = preview("edit_file", {"path": "a.py", "old": "two", "new": "three"}, space)
    assert changed.splitlines()[-3:] == [" one", "-two", "+three"]
    with pytest.raises(ToolError, match="not in the file"):
        preview("edit_file", {"path": "a.py", "old": "absent words", "new": "x"}, space)
    with pytest.raises(ToolError, match="outside"):
        preview("write_file", {"path": "/etc/x", "content": ""}, space)
    with pytest.raises(ToolError, match="no preview"):
        preview("other", {}, space)


def test_a_long_diff_is_cut_and_says_so() -> None:
    assert diff("a", "", "x\n" * 1000).splitlines()[-1] == f"[{1003 - MOST_LINES} more lines]"
    assert diff("a", "x", "x") == "no change in a"
