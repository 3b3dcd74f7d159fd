from __future__ import annotations

import json
from typing import Any

import pytest

from fusion_graph.agent.captions import caption
from fusion_graph.tools import TOOLS


@pytest.mark.parametrize(
    ("tool", "given", "told"),
    [
        ("read_file", {"path": "a.py"}, "read a.py"),
        ("read_file", {"path": "a.py", "start": 5, "end": 9}, "read a.py, lines 5 to 9"),
        ("read_file", {"path": "a.py", "start": 5}, "read a.py from line 5"),
        ("write_file", {"path": "a.py", "content": "x\n" * 1000}, "write a.py"),
        ("edit_file", {"path": "a.py", "old": "x", "new": "y"}, "edit a.py"),
        ("edit_file", {"path": "a.py", "old": "x", "new": "y", "every": True}, "edit a.py at every place"),
        ("list_files", {}, "list ."),
        ("list_files", {"path": "src", "pattern": "*.py"}, "list src *.py"),
        ("search_files", {"pattern": "def f"}, "search for def f"),
        ("search_files", {"pattern": "f", "path": "src", "files": "*.py"}, "search for f in src in *.py"),
        ("bash", {"command": "make test"}, "$ make test"),
        ("bash", {"command": "cat <<E\na\nb\nE"}, "$ cat <<E [3 more lines]"),
        ("web_search", {"query": "sky"}, "search the web for sky"),
        ("web_fetch", {"url": "http://x/"}, "fetch http://x/"),
        ("council", {"question": "Which?", "context": "long"}, "ask the council: Which?"),
        ("mcp__shop__price", {"item": "tea", "count": 2}, 'mcp__shop__price item="tea" count=2'),
    ],
)
def test_a_call_reads_as_a_sentence(tool: str, given: dict[str, Any], told: str) -> None:
    assert caption(tool, json.dumps(given)) == told


@pytest.mark.parametrize("arguments", ["", "{", "[]", "null", '{"path": 1}', "3", '{"x": ' * 5000, '{"command": [1]}'])
def test_whatever_a_model_writes_there_is_one_line(arguments: str) -> None:
    for tool in (*TOOLS, "nothing like it"):
        told = caption(tool, arguments)
        assert "\n" not in told
        assert len(told) < 300


def test_a_long_command_is_cut() -> None:
    assert caption("bash", json.dumps({"command": "x" * 1000})).endswith(" ...")
