"""Where things stand in a text, and what is wrong with the text itself."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Where something stands in a document: keys and list indexes from the top."""


class Place(NamedTuple):
    """Line and column, from 1."""

    line: int
    col: int


class Fault(NamedTuple):
    """Something wrong with the text itself."""

    code: str
    place: Place
    message: str
    hint: str = ""


class Problem(NamedTuple):
    """Something wrong with a value of a document. `key`: the key of `path` is at fault, not its value."""

    code: str
    path: Path
    message: str
    hint: str = ""
    key: bool = False
