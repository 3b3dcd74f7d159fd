from __future__ import annotations

import io

from rich.console import Console

from fusion_graph.agent.happenings import (
    Began,
    Ended,
    Gave,
    Happening,
    Kept,
    Planned,
    Shortened,
    Stepped,
    Thought,
    Used,
)
from fusion_graph.agent.screen import AgentScreen
from fusion_graph.commands._console import scrub


def shown(*events: Happening, change: str = "") -> str:
    out = io.StringIO()
    screen = AgentScreen(Console(file=out, width=80, force_terminal=True, color_system="standard"), scrub)
    for event in events:
        screen(event)
    if change:
        screen.show_change(change)
    return out.getvalue()


def test_everything_that_happens_has_a_line() -> None:
    told = shown(
        Began("s1", "task"),
        Planned("plan", "user"),
        Thought(1, "I **think**"),
        Used(1, "bash", '{"command":\n "ls"}'),
        Gave(1, "bash", ok=True, text="\n".join(map(str, range(20))), seconds=0.1),
        Gave(1, "bash", ok=False, text="error: no", seconds=0.1),
        Stepped(1, 1200, 0.25),
        Stepped(2, 1300, None),
        Shortened(2, 90_000, 40_000),
        Kept("0123456789abcdef"),
        Ended("finished", "All done."),
        Ended("steps", "3 steps were not enough"),
        Ended("answered", "never shown twice"),
    )
    for part in (
        "session s1",
        "think",
        'bash {"command": "ls"}',
        "[11 more lines]",
        "error: no",
        "$0.2500",
        "cost unknown",
    ):
        assert part in told
    for part in ("from 90000 to 40000", "0123456789", "All done.", "3 steps were not enough", "your plan"):
        assert part in told
    assert "never shown twice" not in told


def test_a_diff_has_colours_and_no_control_codes_of_its_own() -> None:
    told = shown(change="--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\x1b[2J\n+new")
    assert "\x1b[32m+new" in told
    assert "\x1b[31m-old" in told
    assert "\x1b[2J" not in told
