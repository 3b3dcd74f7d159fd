"""What the YAML parser trips over, in words for the author of the file: where, what, and what perhaps helps."""

from __future__ import annotations

from ruamel.yaml.error import MarkedYAMLError, StringMark
from ruamel.yaml.reader import ReaderError

from fusion_graph.graph.yaml.places import Fault, Place


def place_of(mark: StringMark) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def broken(exc: MarkedYAMLError, place: Place) -> Fault:
    mark = exc.problem_mark or exc.context_mark
    problem = str(exc.problem or exc.context or "cannot be read").strip()
    context = f" {_where(exc)}" if exc.context and exc.problem else ""
    if "<block end>" in problem:
        problem = "this line does not fit"
    if "<stream end>" in problem:
        problem, context = "the file ends while something is open", ""
    elif "end of stream" in problem and exc.context_mark:
        mark = exc.context_mark
        problem, context = "the quote that opens here is not closed", ""
    hint = next((hint for sign, hint in _HINTS.items() if sign in problem), "")
    return Fault("FG103", place_of(mark) if mark else place, f"this is not YAML: {problem}{context}", hint)


_HINTS = {
    "\\t": "indent with spaces",
    "cannot start any token": "put the text in quotes",
    "quote that opens": "end the text with the same quote",
    "something is open": "close every bracket and brace",
    "this line does not fit": "what belongs to one map or list begins in one column",
}
_WHATS = {
    "flow node": "value",
    "block node": "value",
    "flow mapping": "map in braces",
    "flow sequence": "list in brackets",
    "block mapping": "map",
    "block collection": "list",
    "quoted scalar": "quoted text",
}


def _where(exc: MarkedYAMLError) -> str:
    """`while parsing a map in braces that begins at 4:6`: what is not closed is often lines above."""
    told = str(exc.context)
    for theirs, ours in _WHATS.items():
        told = told.replace(theirs, ours)
    if exc.context_mark is None:
        return told
    place = place_of(exc.context_mark)
    return f"{told} that begins at {place.line}:{place.col}"


def unprintable(exc: ReaderError, text: str) -> Fault:
    before = text[: exc.position]
    place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
    return Fault(
        "FG101",
        place,
        f"a character that text files do not hold (U+{ord(text[exc.position]):04X})",
        "is this a text file?",
    )
