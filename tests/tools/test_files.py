"""Lists and searches beside the files' own tools: `_files/ignore`, `_files/walk`, `_files/grep`."""

from __future__ import annotations

import re

import pytest

from fusion_graph.tools._files.grep import WIDTH
from fusion_graph.tools._files.ignore import as_regex, is_ignored, read_rules
from fusion_graph.tools._files.walk import walk
from fusion_graph.tools._files.workspace import Workspace


@pytest.mark.parametrize(
    ("rules", "path", "ignored"),
    [
        ("*.log", "a/b.log", True),
        ("*.log", "a/b.logs", False),
        ("/x", "x", True),
        ("/x", "a/x", False),
        ("a/b", "a/b", True),
        ("a/b", "c/a/b", False),
        ("**/b", "a/c/b", True),
        ("a/**", "a/b/c", True),
        ("a/**/c", "a/c", True),
        ("*.log\n!keep.log", "keep.log", False),
        ("# no\n\n", "# no", False),
        ("file[0-9]", "file7", True),
        ("file[!0-9]", "file7", False),
        ("?.c", "a.c", True),
        (r"\!x", "!x", True),
        ("[z-a]", "z", False),
        ("node_modules", "x/node_modules", True),
        ("", ".git", True),
    ],
)
def test_gitignore(rules: str, path: str, ignored: bool) -> None:
    assert is_ignored(path, read_rules(rules), folder=False) is ignored


def test_folders_only() -> None:
    rules = read_rules("build/")
    assert is_ignored("build", rules, folder=True)
    assert not is_ignored("build", rules, folder=False)


def test_rules_hold_below_their_folder() -> None:
    rules = read_rules("*.x", "a")
    assert is_ignored("a/b.x", rules, folder=False)
    assert not is_ignored("b.x", rules, folder=False)


def test_a_hostile_pattern_ends() -> None:
    pattern = re.compile(as_regex("*a" * 100 + "b"))
    assert pattern.fullmatch("a" * 250) is None
    assert re.fullmatch(as_regex("*a*b*c"), "xxaxbxcxc")
    assert read_rules("**/a" * 9) == ()


def test_walking_leaves_out_what_git_ignores(workspace: Workspace) -> None:
    assert [path for path, _ in walk(workspace)] == [
        ".gitignore",
        "README.md",
        "keep.log",
        "src",
        "src/app.py",
    ]
    assert [path for path, _ in walk(workspace, depth=1)] == [".gitignore", "README.md", "keep.log", "src"]
    assert [path for path, _ in walk(workspace, "src")] == ["src/app.py"]


def test_matches_have_a_width() -> None:
    assert WIDTH == 300
