from __future__ import annotations

import pytest

from fusion_graph.errors import ToolError
from fusion_graph.tools.list_files import TOOL
from tests.tools.conftest import Call


def test_what_is_there(call: Call) -> None:
    assert call(TOOL).splitlines() == [
        ".gitignore  23 bytes",
        "README.md  21 bytes",
        "keep.log  5 bytes",
        "src/",
        "src/app.py  55 bytes",
    ]


def test_a_pattern(call: Call) -> None:
    assert call(TOOL, pattern="*.py") == "src/app.py  55 bytes"
    assert call(TOOL, pattern="src/*") == "src/app.py  55 bytes"
    assert "nothing is there" in call(TOOL, pattern="*.rs")


def test_outside_is_refused(call: Call) -> None:
    with pytest.raises(ToolError, match="outside the folder"):
        call(TOOL, path="/etc")
    with pytest.raises(ToolError, match="there is no nowhere"):
        call(TOOL, path="nowhere")
    with pytest.raises(ToolError, match="not a pattern"):
        call(TOOL, pattern="**/" + "**/x" * 5)
