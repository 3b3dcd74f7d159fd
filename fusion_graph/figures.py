"""Money, time and counts as short texts, the same wherever a person reads them."""

from __future__ import annotations


def usd(cost: float | None, unknown: str = "?") -> str:
    """`$0.0012`, `$3.40`; `unknown` when there is no price, which is not 0."""
    if cost is None:
        return unknown
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


def spent(tokens: int, cost: float | None) -> str:
    """`3.4k tokens, $0.0123`."""
    return f"{count(tokens)} tokens, {usd(cost, 'cost unknown')}"
