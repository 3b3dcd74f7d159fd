"""`fusiongraph ask`: the default panel, the answer only."""

from __future__ import annotations

from collections.abc import Callable

from tests.commands.conftest import Done
from tests.commands.terminal import Terminal

QUESTION = "What is 6 times 7?"


def test_asks_the_default_panel(cli: Callable[..., Done]) -> None:
    done = cli("ask", QUESTION)
    assert (done.code, done.out) == (0, cli("run", "budget", QUESTION).out)


def test_another_pipeline_may_be_named(cli: Callable[..., Done]) -> None:
    assert cli("ask", QUESTION, "--config", "frontier").out == cli("run", "frontier", QUESTION).out
    assert cli("ask", QUESTION, "--config", "frontire").code == 2


def test_reads_standard_input(cli: Callable[..., Done]) -> None:
    assert cli("ask", stdin=QUESTION.encode()).out == cli("ask", QUESTION).out


def test_a_terminal_shows_no_tree(terminal: Callable[..., Terminal]) -> None:
    screen = terminal("ask", QUESTION)
    assert screen.finish() == 0
    lines = screen.text.strip().splitlines()
    assert lines[0].startswith("backend: sim")
    assert "panel" not in screen.text
