"""The words of a picture: conditions, group rules and endings as short texts, and hostile text made harmless. Pure.

Every text of a pipeline passes through `clean` before it reaches a drawing, so a writer of one dialect only has to
escape the marks of its own.
"""

from __future__ import annotations

import textwrap
import unicodedata

from fusion_graph import figures
from fusion_graph.contracts import Wait, WaitFirst, WaitGroup
from fusion_graph.pipeline import AnyOf, Comparison, Condition, FieldRef, Param

SHORTEST_S = 0.05  # what is computed in code takes no time worth telling
LONGEST = 200  # characters of one text in a picture
WORDS = {"above": ">", "below": "<", "at_least": ">=", "at_most": "<=", "equals": "=", "not_equals": "is not"}


def clean(text: str) -> str:
    """One line of printable characters: no control codes (a terminal would obey them), no bidirectional overrides."""
    flat = " ".join(str(text).split())
    safe = "".join(c if c.isprintable() else "?" for c in flat)
    return safe if len(safe) <= LONGEST else safe[: LONGEST - 3] + "..."


def conditions(condition: Condition) -> str:
    """`verdict.contradictions > 0 and (a.chars > 9 or params.x = yes)`."""
    return " and ".join(_test(test) for test in condition.tests)


def _test(test: Comparison | AnyOf) -> str:
    if isinstance(test, AnyOf):
        return "(" + " or ".join(conditions(c) for c in test.conditions) + ")"
    subject = test.subject
    name = f"{subject.node}.{subject.field}" if isinstance(subject, FieldRef) else f"params.{subject.name}"
    return f"{name} {WORDS[test.operator]} {_operand(test.operand)}"


def _operand(operand: object) -> str:
    if isinstance(operand, Param):
        return f"params.{operand.name}"
    return str(operand).lower() if isinstance(operand, bool) else str(operand)


def waiting(wait: Wait, inputs: int) -> str:
    """When a group or a fallback goes on; empty when it simply waits for its inputs."""
    if isinstance(wait, WaitFirst):
        return "" if wait.hedge_after_s is None else f"hedge after {wait.hedge_after_s:g} s"
    if not isinstance(wait, WaitGroup):
        return ""
    if wait.agree:
        return f"{wait.window or wait.agree} at a time, stop at {wait.agree} alike"
    if wait.quorum is None:
        return ""
    if wait.quorum == 0:
        return f"needs all {inputs}"
    grace = f", grace {wait.grace_s:g} s" if wait.grace_s else ""
    return f"quorum {wait.quorum} of {inputs}{grace}"


def ending(state: str, reason: str, seconds: float | None, cost_usd: float | None) -> str:
    """`ok, 3.2 s, $0.0012`; a reason stands behind the state, an unknown cost is left out and never shown as 0."""
    told = f"{state}: {reason}" if reason and reason != state else state
    parts = [told, figures.seconds(seconds if seconds and seconds >= SHORTEST_S else None), figures.usd(cost_usd, "")]
    return ", ".join(p for p in parts if p)


# --- texts on a grid --------------------------------------------------------------------------------------------------


def cells(text: str) -> int:
    """Columns a terminal gives the text: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shorten(text: str, room: int) -> str:
    """The text cut to `room` cells, with a visible mark."""
    if cells(text) <= room:
        return text
    kept = text
    while cells(kept) > room - 3:
        kept = kept[:-1]
    return kept + "..."


def wrap(text: str, room: int, most: int) -> list[str]:
    """The text on at most `most` lines of `room` cells; what is left over is cut with a mark."""
    lines = textwrap.wrap(text, room, subsequent_indent="  ", max_lines=most, placeholder=" ...")
    return [shorten(line, room) for line in lines]
