"""Bytes to a document: plain maps, lists and scalars, with the place of every key and value. Knows YAML, not pipelines.

YAML is read as events, so nothing is ever built that could blow up: what pipelines do not use (anchors, aliases, merge
keys, tags) is refused where it stands, and size, depth and number of values are bounded while reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fusion_graph.graph.yaml.composer import Composer
from fusion_graph.graph.yaml.places import Fault, Path, Place

MAX_BYTES = 256_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document as plain values. `keys` has the place of each key and list item, `values` that of each value."""

    data: Any = None
    keys: Mapping[Path, Place] = field(default_factory=dict)
    values: Mapping[Path, Place] = field(default_factory=dict)

    def place(self, path: Path, *, key: bool = False) -> Place | None:
        """Where `path` stands, else the nearest thing around it; None in a document without places."""
        table = self.keys if key else self.values
        while path and path not in table:
            path, table = path[:-1], self.keys
        return table.get(path) or self.values.get(path)


def parse(source: bytes) -> tuple[Document, list[Fault]]:
    """Read a whole file. With faults the document holds what could be read, which may be nothing."""
    if len(source) > MAX_BYTES:
        message = f"the file has more than the {MAX_BYTES:,} bytes allowed"
        return Document(), [Fault("FG102", Place(1, 1), message)]
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        return Document(), [_undecodable(source, exc)]
    composer = Composer()
    composer.compose(text.replace("\r\n", "\n").replace("\r", "\n"))
    return Document(data=composer.data, keys=composer.keys, values=composer.values), composer.faults


def _undecodable(source: bytes, exc: UnicodeDecodeError) -> Fault:
    before = source[: exc.start]
    line_start = before.rfind(b"\n") + 1
    place = Place(before.count(b"\n") + 1, len(before[line_start:].decode("utf-8", "replace")) + 1)
    return Fault("FG101", place, "the file is not UTF-8 text", "save it as UTF-8")
