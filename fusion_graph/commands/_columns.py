"""Tables whose columns line up, and lines that are broken between words: for a screen of any width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, zip_longest

WIDE, CLOSE = "  ", " "  # between two columns
LEAST = 20  # characters that a column of texts needs to be broken


def columns(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset(), width: int = 0) -> str:
    """Rows with their columns lined up; `right` names the columns of numbers. A table that does not fit into `width`
    (0 = any will do) has its last column broken between words; where there is no room for that its columns move
    closer; and what does not fit all the same stands below, behind the first column again."""
    sizes = [max(len(line) for cell in column for line in cell.split("\n")) for column in zip(*rows, strict=True)]
    last = len(sizes) - 1
    room = width - sum(sizes[:last]) - len(WIDE) * last
    if not width or not sizes or sizes[last] <= room:
        return _lined_up(rows, sizes, right, WIDE)
    if last not in right and room >= LEAST:
        return columns([(*row[:last], fill(row[last], room)) for row in rows], right=right)
    if sum(sizes) + len(CLOSE) * last <= width:
        return _lined_up(rows, sizes, right, CLOSE)
    beside = width - len(WIDE) - sizes[1]
    if LEAST <= beside < sizes[0]:
        rows = [(fill(row[0], beside), *row[1:]) for row in rows]
    fits = _fitting([min(sizes[0], beside), *sizes[1:]], width)
    if fits > last:
        return columns(rows, right=right)
    rest = frozenset(column - fits + 1 for column in right if column >= fits)
    upper = columns([row[:fits] for row in rows], right=right, width=width)
    return f"{upper}\n\n{columns([(row[0], *row[fits:]) for row in rows], right=rest, width=width)}"


def _fitting(sizes: Sequence[int], width: int) -> int:
    """How many columns fit, the first one and another at least."""
    ends = list(accumulate(sizes, lambda end, size: end + len(WIDE) + size))
    return max(2, sum(end <= width for end in ends))


def _lined_up(rows: Sequence[Sequence[str]], sizes: Sequence[int], right: frozenset[int], gap: str) -> str:
    return "\n".join(line for row in rows for line in _lines(row, sizes, right, gap))


def _lines(row: Sequence[str], sizes: Sequence[int], right: frozenset[int], gap: str) -> Iterator[str]:
    """A row, as many lines as its longest cell has. The last column is not padded."""
    for parts in zip_longest(*(cell.split("\n") for cell in row), fillvalue=""):
        cells = [
            part.rjust(size) if column in right else part.ljust(size)
            for column, (part, size) in enumerate(zip(parts, sizes, strict=True))
        ]
        yield gap.join(cells).rstrip()


def fill(text: str, width: int, indent: str = "") -> str:
    """Broken between words where it is longer than `width` (0 = any will do); lines after the first are indented."""
    if not width or len(text) <= width:
        return text
    import textwrap  # for long lines only: `--help` has none

    return textwrap.fill(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
