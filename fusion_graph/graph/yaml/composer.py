"""From the events of a YAML parser to plain values and their places. What pipelines do not use is refused where it
stands; depth and number of values are bounded while reading, so hostile text costs no more than a large file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
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

from fusion_graph.graph.yaml.places import Fault, Path, Place
from fusion_graph.graph.yaml.scalars import Unreadable, read_scalar, whole
from fusion_graph.graph.yaml.syntax import broken, place_of, unprintable

MAX_DEPTH = 32
MAX_VALUES = 16_000


class _TooDeep(Exception):
    """Raised while scanning, before a lookahead over thousands of brackets costs seconds."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place


class _BoundedScanner(Scanner):
    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: N803  (the base class's name)
        if len(self.flow_context) >= MAX_DEPTH:
            raise _TooDeep(place_of(self.reader.get_mark()))
        super().fetch_flow_collection_start(TokenClass, to_push)


class _Frame:
    """A map or list while it is read."""

    __slots__ = ("key", "path", "value")

    def __init__(self, value: dict[str, Any] | list[Any], path: Path) -> None:
        self.value = value
        self.path = path
        self.key: str | None = None


class Composer:
    """Builds one document from the events of one text."""

    def __init__(self) -> None:
        self.data: Any = None
        self.keys: dict[Path, Place] = {}
        self.values: dict[Path, Place] = {}
        self.faults: list[Fault] = []
        self._stack: list[_Frame] = []
        self._count = 0
        self._ignored = 0  # depth inside a map or list that stands where a key should

    def compose(self, text: str) -> None:
        """Read the text; what could be read and what was wrong with it stand in the fields afterwards."""
        for event in _events(text):
            if isinstance(event, Fault):
                self.faults.append(event)
            elif self._take(event, place_of(event.start_mark)):
                continue
            break
        if not self.values and not self.faults:
            self._fault("FG101", Place(1, 1), "the file is empty")

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
        return (
            self._open(event, place)
            if isinstance(event, MappingStartEvent | SequenceStartEvent)
            else self._scalar(event, place)
        )

    def _refuse_unused(self, event: Any, place: Place) -> None:
        if isinstance(event, AliasEvent):
            self._fault("FG105", place, f"alias *{event.anchor} is not used in pipelines", "write the value out")
        elif event.anchor:
            self._fault(
                "FG105",
                place,
                f"anchor &{event.anchor} is not used in pipelines",
                "write the value out where it is needed",
            )
        if getattr(event, "tag", None):
            self._fault("FG105", place, f"tag {event.tag} is not used in pipelines", "remove it; values are plain")

    def _open(self, event: Event, place: Place) -> bool:
        if len(self._stack) + self._ignored >= MAX_DEPTH:
            self._fault("FG102", place, f"nested deeper than {MAX_DEPTH} levels")
            return False
        if self._ignored or self._expects_key():
            if not self._ignored:
                self._fault(
                    "FG106", place, "a key must be plain text, not a map or list", "quote text that begins with a brace"
                )
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
            self._key(
                None if isinstance(event, AliasEvent) else self._readable(lambda: whole(event.value), place), place
            )
        else:
            self._put(None if isinstance(event, AliasEvent) else self._value(event, place), place)
        return True

    def _value(self, event: ScalarEvent, place: Place) -> Any:
        return self._readable(lambda: read_scalar(event.value, plain=event.style is None and not event.tag), place)

    def _readable(self, read: Callable[[], Any], place: Place) -> Any:
        try:
            return read()
        except Unreadable as exc:
            self._fault("FG106", place, str(exc), exc.hint)
            return None

    def _key(self, key: str | None, place: Place) -> None:
        frame = self._stack[-1]
        frame.key = key or ""
        if key is None:
            return  # has been said
        path = (*frame.path, key)
        if key == "<<":
            self._fault(
                "FG105", place, "merge keys (<<) are not used in pipelines", "write the keys out, or use `defaults`"
            )
        elif path in self.keys:  # not of the map: there an unreadable key stands as an empty one
            self._fault("FG104", place, f"key {key!r} stands twice", f"first at line {self.keys[path].line}")
        else:
            self.keys[path] = place

    def _put(self, value: Any, place: Place) -> Path:
        """Store a value where the reading is, and say where that is."""
        path: Path = ()
        if not self._stack:
            self.data = value
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


def _events(text: str) -> Iterator[Event | Fault]:
    """The parser's events; what it trips over comes last, as a Fault."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = _BoundedScanner
    place = Place(1, 1)
    try:
        for event in yaml.parse(text):
            place = place_of(event.start_mark)
            yield event
    except _TooDeep as exc:
        yield Fault("FG102", exc.place, f"nested deeper than {MAX_DEPTH} levels")
    except MarkedYAMLError as exc:
        yield broken(exc, place)
    except ReaderError as exc:
        yield unprintable(exc, text)
    except (YAMLError, ValueError, LookupError, AttributeError, AssertionError, TypeError) as exc:
        # The parser has rough edges on hostile input; whatever it trips over, the text is not YAML.
        yield Fault("FG103", place, f"this is not YAML ({type(exc).__name__})")
