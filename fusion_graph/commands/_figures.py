"""Money, time and counts as short texts, the same in every command; and columns that line up."""

from __future__ import annotations

from collections.abc import Sequence


def usd(cost: float | None) -> str:
    """`$0.0012`, `$3.40`; `?` when a price is unknown, which is not 0."""
    if cost is None:
        return "?"
    if cost == 0:
        return "$0"
    if cost < 0.00005:
        return "<$0.0001"
    return f"${cost:.4f}" if cost < 1 else f"${cost:,.2f}"


def seconds(value: float | None) -> str:
    """`0.4 s`, `12.3 s`, `2:05 min`."""
    if value is None:
        return ""
    if value < 99.95:
        return f"{value:.1f} s"
    whole = round(value)
    return f"{whole // 60}:{whole % 60:02} min"


def count(value: int) -> str:
    """`812`, `3.4k`, `1.2M`."""
    if value < 1000:
        return str(value)
    if value < 999_500:
        return f"{value / 1000:.1f}k" if value < 99_950 else f"{value / 1000:.0f}k"
    return f"{value / 1_000_000:.1f}M"


def several(number: int, word: str) -> str:
    """`1 call`, `6 calls`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def columns(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> str:
    """Rows with their columns lined up; `right` names the columns of numbers. The last column is not padded."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
