from __future__ import annotations

import io
import json

from rich.console import Console

from fusion_graph.agent.happenings import (
    Began,
    Changing,
    Ended,
    Gave,
    Happening,
    Kept,
    Planned,
    PutOff,
    Shortened,
    Stepped,
    Thought,
    Used,
)
from fusion_graph.agent.screen import AgentScreen
from fusion_graph.commands._console import scrub


def shown(*events: Happening, asks: bool = False, terminal: bool = True) -> str:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=terminal, color_system="standard" if terminal else None)
    screen = AgentScreen(console, scrub, asks=asks)
    for event in events:
        screen(event)
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
        PutOff(21, 0.5),
        Kept("0123456789abcdef"),
        Ended("finished", "All done."),
        Ended("steps", "3 steps were not enough"),
        Ended("answered", "never shown twice"),
    )
    for part in (
        "session s1",
        "think",
        "$ ls",
        "[11 more lines]",
        "error: no",
        "$0.2500",
        "it took 21 tokens, $0.5000 at most",
        "cost unknown",
    ):
        assert part in told
    for part in ("from 90000 to 40000", "0123456789", "All done.", "3 steps were not enough", "your plan"):
        assert part in told
    assert "never shown twice" not in told


def test_a_diff_has_colours_and_no_control_codes_of_its_own() -> None:
    told = shown(Changing(1, "edit_file", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\x1b[2J\n+new"))
    assert "\x1b[32m+new" in told
    assert "\x1b[31m-old" in told
    assert "\x1b[2J" not in told
    assert "--- a/x" not in told  # the line above names the file


def test_a_long_change_is_whole_only_where_somebody_is_asked_about_it() -> None:
    change = Changing(1, "write_file", "\n".join(["--- /dev/null", "+++ b/x", *(f"+line {n}" for n in range(50))]))
    assert "line 49" in shown(change, asks=True)
    assert "line 49" not in shown(change)
    assert "[34 more lines]" in shown(change)


def test_a_command_is_shown_once_and_never_in_part_where_somebody_is_asked() -> None:
    short, long = "make test", "cat <<E\n" + "\n".join(map(str, range(30))) + "\nE"
    for command, times in ((short, 1), (long, 2)):
        used = Used(1, "bash", json.dumps({"command": command}))
        told = shown(used, Changing(1, "bash", f"$ {command}"), asks=True)
        assert told.count("$ ") == times
        assert all(line in told for line in command.splitlines())


def test_what_is_read_is_told_in_a_line_and_faults_in_full() -> None:
    text = "\n".join(["app.py, lines 1 to 20 of 20", *(f"{n}  code" for n in range(20))])
    told = shown(Gave(1, "read_file", ok=True, text=text, seconds=0.1))
    assert "app.py, lines 1 to 20" in told
    assert "[20 more lines]" in told
    assert "19  code" not in told
    assert "19  code" in shown(Gave(1, "read_file", ok=False, text=text, seconds=0.1))


def test_the_end_is_told_once() -> None:
    done = '{"summary": "All done.", "verified": "tests"}'
    told = shown(
        Used(1, "finish", done), Gave(1, "finish", ok=True, text="All done.", seconds=0), Ended("finished", "All done.")
    )
    assert told.count("All done.") == 1


def test_in_a_pipe_lines_are_whole_and_have_no_spaces_behind_them() -> None:
    text = "a **word** and " + "x" * 100
    told = shown(Thought(1, text), Gave(1, "bash", ok=True, text="y" * 150, seconds=0), terminal=False)
    assert told == f"{text}\n  {'y' * 150}\n"


def test_the_live_line_says_what_goes_on_and_leaves_while_somebody_types() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True, color_system=None)
    screen = AgentScreen(console, scrub, live=True, doing=lambda: "panel 1 of 2")
    with screen.working():
        screen(Used(1, "bash", '{"command": "make"}'))
        screen(Stepped(1, 1200, 0.5))
        with screen.alone():
            at = out.tell()
            console.print("a question")
            assert out.getvalue()[at:] == "a question\n"
    told = out.getvalue()
    assert "thinking (panel 1 of 2)" in told
    assert "$ make" in told
    assert "1.2k tokens, $0.5000  Ctrl-C stops" in told
    assert told.endswith(("\x1b[2K", "\x1b[?25h"))


def test_results_of_calls_at_once_stand_below_their_own_call() -> None:
    told = shown(
        Used(1, "web_fetch", '{"url": "http://a/"}', "1"),
        Used(1, "web_fetch", '{"url": "http://b/"}', "2"),
        Gave(1, "web_fetch", ok=True, text="page a", seconds=0, call="1"),
        Gave(1, "web_fetch", ok=True, text="page b", seconds=0, call="2"),
        terminal=False,
    )
    assert told.split("\n")[2:6] == ["fetch http://a/", "  page a", "fetch http://b/", "  page b"]
