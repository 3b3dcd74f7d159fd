"""Every file of a workspace that its `.gitignore` files leave in, in order, without following a link."""

from __future__ import annotations

from collections.abc import Iterator

from fusion_graph.errors import ToolError
from fusion_graph.tools._files.ignore import Rule, is_ignored, read_rules
from fusion_graph.tools._files.workspace import Entry, Workspace

MOST = 50_000  # entries looked at
DEEPEST = 40


def walk(workspace: Workspace, start: str = "", *, depth: int = DEEPEST) -> Iterator[tuple[str, Entry]]:
    """Paths relative to the root, folders before what lies in them."""
    left = [MOST]
    start = "" if workspace.shown(start or ".") == "." else workspace.shown(start)
    yield from _walk(workspace, start, _rules_above(workspace, start), depth, left)


def _rules_above(workspace: Workspace, start: str) -> tuple[Rule, ...]:
    rules: tuple[Rule, ...] = ()
    names = start.split("/")[:-1] if start else []
    for depth in range(len(names) + 1 if start else 0):
        rules += _rules_in(workspace, "/".join(names[:depth]))
    return rules


def _rules_in(workspace: Workspace, folder: str) -> tuple[Rule, ...]:
    try:
        return read_rules(workspace.read_text(f"{folder}/.gitignore" if folder else ".gitignore"), folder)
    except ToolError:
        return ()


def _walk(
    workspace: Workspace, folder: str, rules: tuple[Rule, ...], depth: int, left: list[int]
) -> Iterator[tuple[str, Entry]]:
    rules += _rules_in(workspace, folder)
    for entry in workspace.list_folder(folder or "."):
        left[0] -= 1
        if left[0] < 0:
            return
        path = f"{folder}/{entry.name}" if folder else entry.name
        if is_ignored(path, rules, folder=entry.kind == "folder"):
            continue
        yield path, entry
        if entry.kind == "folder" and depth > 1:
            try:
                yield from _walk(workspace, path, rules, depth - 1, left)
            except ToolError:
                continue  # gone, or closed to us
