"""Findings about pipeline files as people read them: place, code, source line, caret, and a count at the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from fusion_graph.commands._columns import fill
from fusion_graph.errors import Diagnostic

MARGIN, LEAST, MOST = 8, 40, 120  # characters before a source line, and of it
ENOUGH = 300_000  # bytes of a file; a larger one is refused at its first line


def show_all(diagnostics: Sequence[Diagnostic], width: int = 0) -> str:
    """All of them, each with its source line if its file can still be read; for a screen of `width` (0 = any)."""
    from fusion_graph.graph.diagnostics import excerpt

    sources = {file: _source(file) for file in {d.file for d in diagnostics}}
    room = max(LEAST, width - MARGIN) if width else MOST
    told = [(fill(str(d), width, "  "), excerpt(d, sources[d.file], room)) for d in diagnostics]
    return "\n".join([*(line for lines in told for line in lines if line), count(diagnostics)])


def count(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`."""
    severities = [d.severity for d in diagnostics]
    told = []
    for word in ("error", "warning"):
        number = severities.count(word)
        if number:
            told.append(f"{number} {word}{'s' if number > 1 else ''}")
    return ", ".join(told) or "nothing to mend"


def _source(file: str) -> str:
    try:
        with Path(file).open("rb") as stream:
            return stream.read(ENOUGH).decode("utf-8-sig", "replace")
    except (OSError, ValueError):  # not a file: standard input, a value in memory
        return ""
