"""Bytes to a document: plain maps, lists and scalars, with the place of every key and value. Knows YAML, not pipelines.

YAML is read as events, so nothing is ever built that could blow up: what pipelines do not use (anchors, aliases, merge
keys, tags) is refused where it stands, and size, depth and number of values are bounded while reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StringMark, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import Scanner

from fusion_graph.graph.scalars import Unreadable, read_scalar

MAX_BYTES = 256_000
MAX_DEPTH = 32
MAX_VALUES = 20_000

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


class _TooDeep(Exception):
    """Raised while scanning, before a lookahead over thousands of brackets costs seconds."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place


class _BoundedScanner(Scanner):
    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: N803  (the base class's name)
        if len(self.flow_context) >= MAX_DEPTH:
            raise _TooDeep(_place(self.reader.get_mark()))
        super().fetch_flow_collection_start(TokenClass, to_push)


def parse(source: bytes) -> tuple[Document, list[Fault]]:
    """Read a whole file. With faults the document holds what could be read, which may be nothing."""
    if len(source) > MAX_BYTES:
        message = f"the file has {len(source):,} bytes, more than the {MAX_BYTES:,} allowed"
        return Document(), [Fault("FG102", Place(1, 1), message)]
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        return Document(), [_undecodable(source, exc)]
    return _Composer().compose(text.replace("\r\n", "\n").replace("\r", "\n"))


def _undecodable(source: bytes, exc: UnicodeDecodeError) -> Fault:
    before = source[: exc.start]
    line_start = before.rfind(b"\n") + 1
    place = Place(before.count(b"\n") + 1, len(before[line_start:].decode("utf-8", "replace")) + 1)
    return Fault("FG101", place, "the file is not UTF-8 text", "save it as UTF-8")


class _Frame:
    """A map or list while it is read."""

    __slots__ = ("key", "path", "value")

    def __init__(self, value: dict[str, Any] | list[Any], path: Path) -> None:
        self.value = value
        self.path = path
        self.key: str | None = None


class _Composer:
    """Builds one document from the events of one text."""

    def __init__(self) -> None:
        self.data: Any = None
        self.keys: dict[Path, Place] = {}
        self.values: dict[Path, Place] = {}
        self.faults: list[Fault] = []
        self._stack: list[_Frame] = []
        self._count = 0
        self._ignored = 0  # depth inside a map or list that stands where a key should

    def compose(self, text: str) -> tuple[Document, list[Fault]]:
        place = Place(1, 1)
        try:
            for event in _events(text):
                place = _place(event.start_mark)
                if not self._take(event, place):
                    break
        except _TooDeep as exc:
            self._fault("FG102", exc.place, f"nested deeper than {MAX_DEPTH} levels")
        except MarkedYAMLError as exc:
            self.faults.append(_syntax(exc, place))
        except ReaderError as exc:
            self.faults.append(_unprintable(exc, text))
        except (YAMLError, ValueError, IndexError, AttributeError, AssertionError, TypeError) as exc:
            # The parser has rough edges on hostile input; whatever it trips over, the text is not YAML.
            self._fault("FG103", place, f"this is not YAML ({type(exc).__name__})")
        if not self.values and not self.faults:
            self._fault("FG101", Place(1, 1), "the file is empty")
        return Document(data=self.data, keys=self.keys, values=self.values), self.faults

    def _fault(self, code: str, place: Place, message: str, hint: str = "") -> None:
        self.faults.append(Fault(code, place, message, hint))

    def _take(self, event: Event, place: Place) -> bool:
        """Take one event in; False ends the reading."""
        if isinstance(event, DocumentStartEvent):
            if self.values:
                self._fault("FG103", place, "a second document starts here", "one file holds one pipeline")
                return False
            return True
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            if self._ignored:
                self._ignored -= 1
            else:
                self._stack.pop()
            return True
        if not isinstance(event, ScalarEvent | AliasEvent | MappingStartEvent | SequenceStartEvent):
            return True
        self._count += 1
        if self._count > MAX_VALUES:
            self._fault("FG102", place, f"the file holds more than {MAX_VALUES:,} keys and values")
            return False
        self._refuse_unused(event, place)
        return self._open(event, place) if isinstance(event, MappingStartEvent | SequenceStartEvent) else self._scalar(event, place)

    def _refuse_unused(self, event: Any, place: Place) -> None:
        if isinstance(event, AliasEvent):
            self._fault("FG105", place, f"alias *{event.anchor} is not used in pipelines", "write the value out")
        elif event.anchor:
            self._fault("FG105", place, f"anchor &{event.anchor} is not used in pipelines", "write the value out where it is needed")
        if getattr(event, "tag", None):
            self._fault("FG105", place, f"tag {event.tag} is not used in pipelines", "remove it; values are plain")

    def _open(self, event: Event, place: Place) -> bool:
        if len(self._stack) + self._ignored >= MAX_DEPTH:
            self._fault("FG102", place, f"nested deeper than {MAX_DEPTH} levels")
            return False
        if self._ignored or self._expects_key():
            if not self._ignored:
                self._fault("FG106", place, "a key must be plain text, not a map or list", "quote text that begins with a brace")
                self._stack[-1].key = ""
            self._ignored += 1
            return True
        value: dict[str, Any] | list[Any] = {} if isinstance(event, MappingStartEvent) else []
        self._stack.append(_Frame(value, self._put(value, place)))
        return True

    def _expects_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None

    def _scalar(self, event: ScalarEvent | AliasEvent, place: Place) -> bool:
        if self._ignored:
            return True
        if self._expects_key():
            self._key("" if isinstance(event, AliasEvent) else str(event.value), place)
        else:
            self._put(None if isinstance(event, AliasEvent) else self._value(event, place), place)
        return True

    def _value(self, event: ScalarEvent, place: Place) -> Any:
        try:
            return read_scalar(event.value, plain=event.style is None and not event.tag)
        except Unreadable as exc:
            self._fault("FG106", place, str(exc), exc.hint)
            return None

    def _key(self, key: str, place: Place) -> None:
        frame = self._stack[-1]
        frame.key = key
        path = (*frame.path, key)
        if key == "<<":
            self._fault("FG105", place, "merge keys (<<) are not used in pipelines", "write the keys out, or use `defaults`")
        elif key in frame.value:
            self._fault("FG104", place, f"key {key!r} stands twice", f"first at line {self.keys[path].line}")
        else:
            self.keys[path] = place

    def _put(self, value: Any, place: Place) -> Path:
        """Store a value where the reading is, and say where that is."""
        if not self._stack:
            self.data, path = value, ()
        else:
            frame = self._stack[-1]
            if isinstance(frame.value, list):
                path = (*frame.path, len(frame.value))
                frame.value.append(value)
                self.keys[path] = place
            else:
                path = (*frame.path, frame.key or "")
                frame.value.setdefault(frame.key or "", value)
                frame.key = None
        self.values.setdefault(path, place)
        return path


def _events(text: str) -> Iterator[Event]:
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = _BoundedScanner
    yield from yaml.parse(text)


def _place(mark: StringMark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _syntax(exc: MarkedYAMLError, place: Place) -> Fault:
    mark = exc.problem_mark or exc.context_mark
    if mark is not None:
        place = _place(mark)
    problem = str(exc.problem or exc.context or "cannot be read").strip()
    context = f" {exc.context}" if exc.context and exc.problem else ""
    hint = "indent with spaces" if "\\t" in problem else ""
    return Fault("FG103", place, f"this is not YAML: {problem}{context}", hint)


def _unprintable(exc: ReaderError, text: str) -> Fault:
    before = text[: exc.position]
    place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
    return Fault("FG101", place, f"a character that text files do not hold (U+{ord(text[exc.position]):04X})", "is this a text file?")
