"""A cassette as it is read: one whole run, every attempt with its timing. Untrusted: its size, depth and types are
bounded, and what is wrong with it is told with file and line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from fusion_graph.errors import ProviderError, ToolError, UsageError
from fusion_graph.graph.diagnostics import pointer
from fusion_graph.graph.reading.validation import Checker
from fusion_graph.messages import Call, Completion, Delta
from fusion_graph.store.digest import use_digest
from fusion_graph.store.tape_lines import FORMAT, SCHEMAS, read_call, read_end, read_gave, read_piece

MAX_LINE = 32 << 20  # bytes
MAX_LINES = 2_000_000
MAX_BYTES = 512 << 20
MAX_DEPTH = 64
_ENDS: Mapping[str, Callable[[Mapping[str, Any]], Completion | ProviderError | str | ToolError | None]] = {
    "end": read_end,
    "gave": read_gave,
}


class Event(NamedTuple):
    """Something that happened to an attempt or a use of a tool: its start (what = None), a piece, its end, its
    cancellation."""

    at: float
    attempt: int
    what: Delta | Completion | ProviderError | str | ToolError | None = None


@dataclass(slots=True)
class Recorded:
    """One attempt, or one use of a tool: then `digest` is that of tool and arguments, and `node` is not known. `events`
    are numbers of the cassette's events, its start first."""

    node: str
    digest: str
    events: list[int] = field(default_factory=list)
    ended: bool = False
    tool: str = ""


class Request(NamedTuple):
    """A call that was made, to whom, and by which node first."""

    backend: str
    call: Call


@dataclass(frozen=True, slots=True)
class Cassette:
    """`events` in the order in which they happened. `result` is None when the recording was cut."""

    file: str
    head: Mapping[str, Any]
    requests: Mapping[str, Request]
    attempts: Sequence[Recorded]
    events: Sequence[Event]
    result: Mapping[str, Any] | None


def read_cassette(file: str) -> Cassette:
    """Raises UsageError that names file and line."""
    lines = _lines(file)
    head = next(lines, None)
    if head is None or head.fields["is"] != "head":
        _refuse(file, 1, "this is no cassette: it does not begin with a `head`", "record one with --record FILE")
    requests: dict[str, Request] = {}
    attempts: list[Recorded] = []
    events: list[Event] = []
    result: Mapping[str, Any] | None = None
    for number, line in lines:
        kind = line["is"]
        if result is not None or kind == "head":
            _refuse(file, number, f"`{kind}` stands where nothing may follow" if result else "a second `head`")
        if kind == "call":
            requests[line["digest"]] = Request(line["backend"], read_call(line))
        elif kind == "result":
            result = line
        else:
            fault = _take(line, requests, attempts, events)
            if fault:
                _refuse(file, number, fault)
    return Cassette(file, head.fields, requests, attempts, events, result)


def _take(
    line: Mapping[str, Any], requests: Mapping[str, Request], attempts: list[Recorded], events: list[Event]
) -> str:
    """One event of an attempt; gives what is wrong with it."""
    at, number, kind = line["at"], line["attempt"], line["is"]
    if events and at < events[-1].at:
        return "time runs backwards"
    if kind in ("start", "use") and number != len(attempts):
        return f"attempt {number} follows on {len(attempts) - 1}"
    if kind == "start":
        if line["digest"] not in requests:
            return "an attempt at a call that no line before describes"
        attempts.append(Recorded(line["node"], line["digest"]))
    elif kind == "use":
        attempts.append(Recorded("", use_digest(line["tool"], line["arguments"]), tool=line["tool"]))
    elif number >= len(attempts) or attempts[number].ended or bool(attempts[number].tool) != (kind == "gave"):
        return f"attempt {number} has not begun, has ended, or is no such thing"
    attempt = attempts[number]
    attempt.ended = kind in _ENDS
    attempt.events.append(len(events))
    events.append(
        Event(at, number, _ENDS[kind](line) if attempt.ended else read_piece(line) if kind == "piece" else None)
    )
    return ""


# --- lines ------------------------------------------------------------------------------------------------------------


class _Line(NamedTuple):
    number: int
    fields: Mapping[str, Any]


def _lines(file: str) -> Iterator[_Line]:
    """Every line as it should be. A last line that was cut off is left out: the run was killed while it was
    written."""
    size = 0
    try:
        with Path(file).open("rb") as stream:
            number = 0
            while source := stream.readline(MAX_LINE + 1):
                number += 1
                size += len(source)
                if len(source) > MAX_LINE or number > MAX_LINES or size > MAX_BYTES:
                    _refuse(file, number, "larger than a cassette may be")
                if source.endswith(b"\n"):
                    yield _Line(number, _line(file, number, source))
    except OSError as fault:
        raise UsageError(f"{file} cannot be read: {fault.strerror}", hint="correct the path") from fault


def _line(file: str, number: int, source: bytes) -> Mapping[str, Any]:
    try:
        line = json.loads(source, parse_constant=_no_number)
    except (ValueError, RecursionError):
        _refuse(file, number, "not a line of JSON", "name a file that --record wrote")
    kind = line.get("is") if isinstance(line, dict) else None
    if not isinstance(kind, str) or kind not in SCHEMAS:
        _refuse(file, number, "not a line of a cassette" + (f": {kind[:40]!r}" if isinstance(kind, str) else ""))
    if kind == "head" and isinstance(line.get("format"), int) and line["format"] != FORMAT:
        _refuse(
            file, number, f"a cassette of format {line['format']}, not {FORMAT}", "record it anew with this version"
        )
    if _too_deep(line):
        _refuse(file, number, f"nested deeper than {MAX_DEPTH}")
    for problem in _checker(kind).problems({key: value for key, value in line.items() if key != "is"}):
        _refuse(file, number, f"`{kind}`{pointer(problem.path)[:80]}: {problem.message[:200]}", problem.hint)
    return line  # type: ignore[no-any-return]


@cache
def _checker(kind: str) -> Checker:
    return Checker(SCHEMAS[kind])


def _too_deep(value: Any) -> bool:
    layer = [value]
    for _ in range(MAX_DEPTH):
        layer = [
            item
            for outer in layer
            if isinstance(outer, dict | list)
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not layer:
            return False
    return True


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _refuse(file: str, number: int, message: str, hint: str = "") -> NoReturn:
    raise UsageError(f"{file}:{number}: {message}", hint=hint)
