"""A run's attempts as bars over time, in plain characters: who waited for whom, and where the time went. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from fusion_graph.figures import seconds, usd
from fusion_graph.store.history import AttemptLine

WAITING, WRITING, LOST = "-", "=", "x"  # until the first token; then; an attempt that failed or was cancelled
LEGEND = f"{WAITING} until its first token, {WRITING} then, {LOST} failed or cancelled, > nobody knows how it ended"


def timeline(attempts: Sequence[AttemptLine], total: float, width: int) -> list[str]:
    """A line for each attempt, in order of their start: name, bar, what it took and cost."""
    rows = [(_name(attempt), attempt, _told(attempt)) for attempt in attempts]
    if not rows:
        return []
    left, right = max(len(row[0]) for row in rows), max(len(row[2]) for row in rows)
    room = max(10, width - left - right - 4)
    scale = room / max(total, 1e-9)
    return [f"{name:{left}}  {_bar(attempt, total, scale, room)}  {told}".rstrip() for name, attempt, told in rows]


def _bar(attempt: AttemptLine, total: float, scale: float, room: int) -> str:
    begin = min(int(attempt.began * scale), room - 1)
    end = min(max(int((attempt.ended if attempt.ended is not None else total) * scale), begin + 1), room)
    if attempt.state == "started":
        bar = WAITING * (end - begin - 1) + ">"
    elif attempt.state != "ok":
        bar = LOST * (end - begin)
    else:
        first = end if attempt.first is None else min(max(int(attempt.first * scale), begin), end)
        bar = WAITING * (first - begin) + WRITING * (end - first)
    return (" " * begin + bar).ljust(room)


def _name(attempt: AttemptLine) -> str:
    """`answer`, `answer #2` for a further call of the node, `answer (retry 1)` for a further attempt."""
    call = f" #{attempt.call + 1}" if attempt.call else ""
    return attempt.node + call + (f" (retry {attempt.attempt - 1})" if attempt.attempt > 1 else "")


def _told(attempt: AttemptLine) -> str:
    if attempt.ended is None:
        return "?"
    tokens = (attempt.prompt_tokens or 0) + (attempt.completion_tokens or 0)
    figures = f"{seconds(attempt.ended - attempt.began)}, {tokens} tokens, {usd(attempt.cost_usd)}"
    return figures + ("" if attempt.state == "ok" else f", {attempt.reason or attempt.state}")
