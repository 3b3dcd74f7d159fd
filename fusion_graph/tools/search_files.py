"""search_files: lines of the project's files that match an expression."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fusion_graph.contracts import Tool
from fusion_graph.errors import ToolError
from fusion_graph.tools._files.ignore import as_regex
from fusion_graph.tools._files.narrow import narrowing, told
from fusion_graph.tools._files.walk import walk
from fusion_graph.tools._files.workspace import Workspace
from fusion_graph.tools._sandbox.levels import find_sandbox
from fusion_graph.tools._site import Site, no_folder

_PROGRAM = Path(__file__).with_name("_files") / "grep.py"
MANY = 1000  # files, from which on it takes longer to read them than to have ripgrep look
_MOST = 200
_LARGEST = 1_000_000
_ALL = 100_000_000  # bytes looked at
SECONDS = 20.0


async def _run(arguments: Mapping[str, Any], site: Site) -> str:
    assert site.workspace is not None
    expression = arguments["pattern"] if not arguments.get("literal") else re.escape(arguments["pattern"])
    try:
        re.compile(expression)
    except (re.error, RecursionError, OverflowError) as fault:
        raise ToolError(f"not a regular expression: {fault}; set literal to look for the text itself") from None
    folded = bool(arguments.get("ignore_case"))
    files = await _chosen(expression, site, arguments, ignore_case=folded)
    found, late = await _look(f"(?i:{expression})" if folded else expression, files)
    lines = [f"{path}:{number}: {line}" for path, number, line in found]
    if late:
        lines.append(f"[stopped after {SECONDS:g} s; a simpler expression or a folder makes it faster]")
    elif len(lines) >= _MOST:
        lines.append(f"[the first {_MOST} matches; narrow the search for others]")
    return "\n".join(lines) or "no line matches (files that .gitignore names are not searched)"


async def _look(expression: str, files: Iterator[tuple[str, str]]) -> tuple[list[tuple[str, int, str]], bool]:
    """The matches, and whether time ran out."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(_PROGRAM)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        limit=1 << 20,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    feeding = asyncio.create_task(_feed(process.stdin, expression, files))
    found, late = [], False
    try:
        async with asyncio.timeout(SECONDS):
            async for line in process.stdout:
                path, number, text = json.loads(line)
                found.append((path, number, text))
    except TimeoutError:
        late = True
    finally:
        feeding.cancel()
        await asyncio.wait([feeding])
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)  # `process.kill` may take its end from the loop, which complains
        await process.wait()
    return found, late


async def _feed(stdin: asyncio.StreamWriter, expression: str, files: Iterator[tuple[str, str]]) -> None:
    """Reading is done a few files at a time beside the loop, which has other runs to serve."""
    with suppress(ConnectionError):
        stdin.write(json.dumps([expression, _MOST]).encode() + b"\n")
        while batch := await asyncio.to_thread(_some, files):
            stdin.write(batch)
            await stdin.drain()
        stdin.close()


def _some(files: Iterator[tuple[str, str]]) -> bytes:
    """The next files, about a megabyte."""
    batch = bytearray()
    while len(batch) < 1 << 20 and (entry := next(files, None)) is not None:
        batch += json.dumps(entry).encode() + b"\n"
    return bytes(batch)


async def _chosen(
    expression: str, site: Site, arguments: Mapping[str, Any], *, ignore_case: bool
) -> Iterator[tuple[str, str]]:
    """Path and text of every file that is searched; of many, those that may hold a match."""
    workspace, start = site.workspace, arguments.get("path") or "."
    assert workspace is not None
    if not _is_folder(workspace, start):
        return iter([(workspace.shown(start), workspace.read_text(start))])
    paths: Iterable[str] = _listed(workspace, start, arguments.get("files", ""))
    narrow = narrowing(expression, ignore_case=ignore_case, start=workspace.shown(start))
    if narrow is not None:
        paths = every = await asyncio.to_thread(list, paths)
        only = None
        if len(every) > MANY:
            sandbox = site.sandbox or await asyncio.to_thread(find_sandbox)
            only = await narrow.paths(workspace.root, workspace.shown(start), sandbox)
        paths = every if only is None else [path for path in every if told(path) in only]
    return _texts(workspace, paths)


def _listed(workspace: Workspace, start: str, pattern: str) -> Iterator[str]:
    """The files that are looked at, in order."""
    names = re.compile(as_regex(pattern if "/" in pattern else f"**/{pattern}")) if pattern else None
    left = _ALL
    for path, entry in walk(workspace, start):
        if entry.kind != "file" or entry.size > _LARGEST or left <= 0 or (names and not names.fullmatch(path)):
            continue
        left -= entry.size
        yield path


def _texts(workspace: Workspace, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        with suppress(ToolError):
            yield path, workspace.read_text(path)


def _is_folder(workspace: Workspace, path: str) -> bool:
    try:
        workspace.list_folder(path)
    except ToolError as fault:
        if workspace.exists(path) and "is not a folder" in str(fault):
            return False
        raise
    return True


TOOL = Tool(
    name="search_files",
    description="Find lines that match a regular expression in the project's files, without what .gitignore names.",
    parameters={
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "minLength": 1, "maxLength": 500, "description": "A regular expression."},
            "path": {"type": "string", "description": "A folder or file; the whole project if absent."},
            "files": {"type": "string", "maxLength": 200, "description": "Only files like this: *.py."},
            "literal": {"type": "boolean", "description": "Look for the text itself; false."},
            "ignore_case": {"type": "boolean", "description": "Take A for a; false."},
        },
        "required": ["pattern"],
        "additionalProperties": False,
    },
    run=_run,
    lacks=no_folder,
    local=True,
)
