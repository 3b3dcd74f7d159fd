"""Finding the place in a text that an edit means: exactly, else with other white space, else not at all and with the
nearest place named. Never two places, never a guess. Pure.
"""

from __future__ import annotations

import difflib

from fusion_graph.errors import ToolError

_NEAR = 0.6
_SHOWN_LINES = 12
_SEARCHED_LINES = 20_000


def edit(text: str, old: str, new: str, *, every: bool = False) -> tuple[str, int, str]:
    """The changed text, how many places changed, and how they were found: exact or white space. Raises ToolError."""
    if old == new:
        raise ToolError("old and new are the same text: nothing to change")
    if not old.strip():
        raise ToolError("old is blank: give the lines that stand there now, or use write_file")
    count = text.count(old)
    if count == 1 or (count and every):
        return text.replace(old, new), count, "exact"
    if count:
        lines = ", ".join(str(number) for number in _lines_of(text, old)[:10])
        raise ToolError(f"old stands there {count} times (lines {lines}); give more lines around it, or set every")
    return _edit_loosely(text, old, new)


def _edit_loosely(text: str, old: str, new: str) -> tuple[str, int, str]:
    """Lines that are the same but for indentation, white space inside and at the end. The new text gets the indentation
    that the old one really has."""
    lines, wanted = text.splitlines(keepends=True), old.strip("\n").splitlines()
    squeezed = [_squeeze(line) for line in lines]
    target = [_squeeze(line) for line in wanted]
    starts = [at for at in range(len(lines) - len(target) + 1) if squeezed[at : at + len(target)] == target]
    if len(starts) > 1:
        places = ", ".join(str(at + 1) for at in starts[:10])
        raise ToolError(f"old is not there word for word, and {len(starts)} places differ from it only in white space"
                        f" (lines {places}); copy the lines exactly and give more of them")  # fmt: skip
    if not starts:
        raise ToolError(_hint(lines, squeezed, target))
    at = starts[0]
    found = lines[at : at + len(target)]
    shifted = _shift(new.strip("\n").splitlines(), wanted, [line.rstrip("\r\n") for line in found])
    ending = "\r\n" if found[0].endswith("\r\n") else "\n"
    last = "" if found[-1] == found[-1].rstrip("\r\n") else ending
    made = ending.join(shifted) + last if shifted else ""
    return "".join([*lines[:at], made, *lines[at + len(target) :]]), 1, "white space"


def _shift(new: list[str], wanted: list[str], found: list[str]) -> list[str]:
    """The new lines, indented as the file is: each indentation of the old lines says what it is there, and if all of
    them differ by the same, so do others. Raises ToolError where that is unclear."""
    real: dict[str, str] = {}
    for given, there in zip(wanted, found, strict=True):
        if given.strip() and real.setdefault(_indent(given), _indent(there)) != _indent(there):
            raise ToolError(_UNCLEAR)
    changes = {_change(given, there) for given, there in real.items()}
    return [_moved(line, real, changes) if line.strip() else "" for line in new]


_UNCLEAR = "the indentation of old differs from the file's in several ways; copy the lines exactly"


def _moved(line: str, real: dict[str, str], changes: set[tuple[str, str]]) -> str:
    indent = _indent(line)
    if indent in real:
        return real[indent] + line[len(indent) :]
    if len(changes) != 1:
        raise ToolError(_UNCLEAR)
    away, to = next(iter(changes))
    return to + line[len(away) :] if line.startswith(away) else line


def _change(given: str, real: str) -> tuple[str, str]:
    """What to take from the front of a line, and what to put there."""
    if real.endswith(given):
        return "", real[: len(real) - len(given)]
    if given.endswith(real):
        return given[: len(given) - len(real)], ""
    return given, real


def _hint(lines: list[str], squeezed: list[str], target: list[str]) -> str:
    """The place that is most like it."""
    best, at = 0.0, -1
    wanted = "\n".join(target)
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    for start in range(min(len(lines), _SEARCHED_LINES)):
        matcher.set_seq1("\n".join(squeezed[start : start + len(target)]))
        if matcher.real_quick_ratio() > max(best, _NEAR) and matcher.quick_ratio() > max(best, _NEAR):
            ratio = matcher.ratio()
            best, at = (ratio, start) if ratio > best else (best, at)
    if at < 0 or best < _NEAR:
        return "old is not in the file; read it again, it may have changed"
    shown = "".join(f"{at + n + 1:>6}  {line}" for n, line in enumerate(lines[at : at + len(target)][:_SHOWN_LINES]))
    return f"old is not in the file. The nearest lines are these; copy them exactly:\n{shown}"


def _squeeze(line: str) -> str:
    return " ".join(line.split())


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _lines_of(text: str, old: str) -> list[int]:
    found, at = [], text.find(old)
    while at >= 0:
        found.append(text.count("\n", 0, at) + 1)
        at = text.find(old, at + len(old))
    return found
