"""Where the prompt comes from: the argument, a file, or standard input."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

from fusion_graph.commands import _console
from fusion_graph.errors import UsageError

STDIN = "-"
MAX_BYTES = 10_000_000
PATIENCE_S = 0.2
WAYS = "give it as an argument, with -f FILE, or on standard input"


def read_prompt(argument: str | None, file: str | None, *, ways: str = WAYS) -> str:
    """The text, never blank; `ways` are the hint where it is. Without an argument or a file it is standard input's,
    unless that is a keyboard.

    Raises UsageError that says what is wrong with it.
    """
    if argument is not None and file is not None:
        raise UsageError("two prompts: an argument and -f FILE", hint="give one of them")
    if file is not None and file != STDIN:
        return _text(_file(file), file, ways)
    if argument is not None and argument != STDIN:
        return _text(os.fsencode(argument), "the argument", ways)
    if argument is None and file is None and _console.is_terminal(sys.stdin):
        raise UsageError("there is no prompt", hint=ways)
    if _console.is_terminal(sys.stdin):
        _console.err("type the prompt; Ctrl-D ends it")
    return _text(_stdin(), "standard input", ways)


def _file(name: str) -> bytes:
    path = Path(name)
    if path.is_dir():
        raise UsageError(f"{name} is a folder, not a prompt", hint="name a text file")
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as fault:
        raise UsageError(f"the prompt file {name} cannot be read: {fault.strerror}", hint="correct the path") from fault


def _stdin() -> bytes:
    if sys.stdin is None:
        return b""
    try:
        source = sys.stdin.fileno()
    except (OSError, ValueError):  # not a file of the system's
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    if os.name != "posix":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    found = bytearray()
    while len(found) <= MAX_BYTES:
        while not select.select([source], [], [], PATIENCE_S)[0]:
            pass  # a Ctrl-C that came just before the wait is seen now
        piece = os.read(source, 1 << 16)
        if not piece:
            break
        found += piece
    return bytes(found)


def _text(source: bytes, where: str, ways: str) -> str:
    if len(source) > MAX_BYTES:
        raise UsageError(f"the prompt in {where} is larger than {MAX_BYTES // 1_000_000} MB")
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise UsageError(f"the prompt in {where} is not UTF-8 text", hint="is it a binary file?") from fault
    if "\0" in text:
        raise UsageError(f"the prompt in {where} is not text: it holds NUL bytes", hint="is it a binary file?")
    if not text.strip():
        raise UsageError("the prompt is empty", hint=ways)
    return text
