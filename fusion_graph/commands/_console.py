"""The one place that prints. The answer and whatever else a program may read go to stdout, everything else to
stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from fusion_graph.commands._columns import fill

_KEPT = {"\n", "\t"}
_DRAWN = str.maketrans(
    dict.fromkeys("─━╴╶", "-") | dict.fromkeys("│┃╵╷║", "|") | dict.fromkeys("┈╌", ".") | dict.fromkeys("┊╎", ":")
    | dict.fromkeys("┌┏┐┓└┗┘┛├┤┬┯┴┼╔╗╚╝╤╭╮╯╰", "+") | {"═": "=", "▼": "v"}
)  # fmt: skip
"""Lines of drawings for a stream that knows no better ones."""


class ReaderGone(Exception):
    """Nobody reads our output any more. Not an OSError: click would end the program itself."""


def out(text: str, end: str = "\n") -> None:
    """What was asked for."""
    _write(sys.stdout, text + end)


def out_bytes(content: bytes) -> None:
    """What was asked for, when it is no text."""
    if sys.stdout is None:
        return
    with _reading():
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def err(text: str) -> None:
    """A line for the person in front of the screen, broken between words there."""
    if "\n" not in text:
        text = fill(text, width(sys.stderr), indent="  ")
    _write(sys.stderr, text + "\n")


def width(stream: TextIO | None = None, otherwise: int = 0) -> int:
    """Characters in a line of the terminal that standard output (or another stream) goes to; else `otherwise`."""
    if not is_terminal(sys.stdout if stream is None else stream):
        return otherwise
    import shutil

    return shutil.get_terminal_size().columns


def error(message: str, hint: str = "") -> None:
    """Whose fault, where, and what to do next; one line unless the message itself has more."""
    gap = "\n  hint: " if "\n" in message else " " if message.endswith("?") else "; "
    err(f"error: {message}" + (gap + hint if hint else ""))


def is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def takes_unicode() -> bool:
    """Can every character go to stdout as it is?"""
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "").startswith("utf")


def scrub(text: str) -> str:
    """Without control codes. A terminal obeys them, and models, files and servers wrote this text."""
    if text.isprintable():
        return text
    return "".join(c for c in text if c.isprintable() or c in _KEPT or not _controls(c))


def silence() -> None:
    """Whoever read our output is gone: drop what is left, so that the interpreter does not complain while it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            _discard(stream)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # the shell closed it (>&-)
        return
    if is_terminal(stream):
        text = scrub(text)
    with _reading():
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.translate(_DRAWN).encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGone from error


def _controls(char: str) -> bool:
    """C0, C1 and DEL, and the marks that reverse the direction of writing."""
    code = ord(char)
    return code < 32 or 127 <= code < 160 or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069


def _discard(stream: TextIO | None) -> None:
    try:
        if stream is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    except (OSError, ValueError):
        return
