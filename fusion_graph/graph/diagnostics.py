"""Findings about one file: collected with their places, put in document order, and shown with the source line and a
caret. Pure; which findings there are is the checks' business."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from fusion_graph.errors import Diagnostic
from fusion_graph.graph.documents import Document
from fusion_graph.graph.reading.credentials import mask
from fusion_graph.graph.yaml.places import Fault, Path, Place, Problem

MANY = 100
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # as YAML counts lines
CUT = "..."  # where a line goes on


class Findings:
    """Collects the diagnostics of one document. What stands where the text itself was at fault is not told again."""

    def __init__(self, document: Document, file: str, faults: Sequence[Fault] = ()) -> None:
        self._document = document
        self._file = file
        self._found: dict[Diagnostic, None] = {}  # in order, each once
        self.relocate: Callable[[Path], Path] = lambda path: path  # from a rewritten document to the one that was read
        self._faulty = {fault.place for fault in faults}
        for fault in faults:
            self._note(fault.place, code=fault.code, message=fault.message, hint=fault.hint)

    def error(self, code: str, path: Path, message: str, hint: str = "", *, key: bool = False) -> None:
        """Something that must be mended. `key`: point at the key of `path`, not at its value."""
        self._add(path, key, code=code, message=message, hint=hint)

    def warn(self, code: str, path: Path, message: str, hint: str = "", *, key: bool = False) -> None:
        """Something that works, but perhaps not as meant."""
        self._add(path, key, code=code, message=message, hint=hint, severity="warning")

    def problem(self, problem: Problem) -> None:
        """An error that was found without the file."""
        code, path, message, hint, key = problem
        self.error(code, path, message, hint, key=key)

    def _add(self, path: Path, key: bool, **words: Any) -> None:
        path = self.relocate(path)
        place = self._document.place(path, key=key)
        if place is None or place not in self._faulty:
            self._note(place or Place(0, 0), pointer=mask(pointer(path)), **words)

    def _note(self, place: Place, **words: Any) -> None:
        words |= {"message": mask(words["message"]), "hint": mask(words["hint"])}
        self._found[Diagnostic(file=self._file, line=place.line, col=place.col, **words)] = None

    @property
    def failed(self) -> bool:
        return any(d.severity == "error" for d in self._found)

    def ordered(self) -> tuple[Diagnostic, ...]:
        """All findings in document order."""
        return tuple(sorted(self._found, key=lambda d: (d.line, d.col)))


def pointer(path: Path) -> str:
    """The JSON pointer of a path."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant. Among many only those that begin alike are compared, because
    comparing costs microseconds each and a broken file may ask a thousand times."""
    import difflib

    names = list(known)
    if len(names) > MANY:
        names = [name for name in names if name[:1] == word[:1] and abs(len(name) - len(word)) <= 2][:MANY]
    near = difflib.get_close_matches(word[:80], names, n=1)
    return near[0] if near else None


def suggest(word: object, known: Iterable[str]) -> str:
    """`did you mean ...?` for the nearest known word, else what there is (if that is short), else nothing."""
    names = list(known)
    near = nearest(str(word), names)
    if near is not None:
        return f"did you mean {near}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= 12 else ""


def excerpt(diagnostic: Diagnostic, source: str, room: int = 120) -> str:
    """The source line of a finding with a caret under the place, "" if there is none. Of a line that is longer than
    `room` it is what is around the place. Key-like text is masked."""
    lines = _lines(source)
    if not 0 < diagnostic.line <= len(lines):
        return ""
    line, col = lines[diagnostic.line - 1], diagnostic.col - 1
    begin = max(0, min(col - room // 2, len(line) - room))
    shown = line[begin : begin + room]
    if begin:
        shown = CUT + shown[len(CUT) :]
    if begin + room < len(line):
        shown = shown[: -len(CUT)] + CUT
    margin = f"{diagnostic.line:>5} | "
    under = "".join(c if c == "\t" else " " for c in shown[: max(0, col - begin)])
    return f"{margin}{shown}\n{' ' * (len(margin) - 2)}| {under}^"


@lru_cache(maxsize=2)
def _lines(source: str) -> list[str]:
    """Split and masked once for all findings of a file: there may be thousands, on one long line."""
    return _BREAK.split(mask(source.removeprefix("\ufeff")))
