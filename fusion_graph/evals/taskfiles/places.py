"""Where a value stands in JSON text. Asked only when something is wrong, so reading costs nothing for it."""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]  # the standard library's own, without a stub

from fusion_graph.graph.yaml.places import Path, Place

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def find_place(text: str, path: Path) -> Place:
    """Line and column of the value at `path`, or of the nearest thing around it. The text is valid JSON."""
    at = _skip(text, 0)
    for part in path:
        found = _member(text, at, part) if text[at : at + 1] in ("{", "[") else None
        if found is None:
            break
        at = found
    return Place(text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1)


def _member(text: str, at: int, wanted: str | int) -> int | None:
    """Where the value of one key or index begins."""
    is_map, number = text[at] == "{", 0
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        key: str | int = number
        if is_map:
            key, at = scanstring(text, at + 1)
            at = _skip(text, _skip(text, at) + 1)
        if key == wanted:
            return at
        at = _skip(text, _DECODER.raw_decode(text, at)[1])
        number += 1
        if text[at] == ",":
            at = _skip(text, at + 1)
    return None


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
