"""The picture of a run on a terminal: it fits, it folds, it tells what failed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from fusion_graph import events as e
from fusion_graph.commands._run.board import Board
from fusion_graph.commands._run.live import frame
from fusion_graph.graph.binding import bind
from fusion_graph.graph.reader import load
from fusion_graph.kinds import KINDS
from tests.commands.terminal import Terminal


def board(members: int) -> Board:
    return board_of(", ".join(f"{{model: a/x, key: m{i}}}" for i in range(members)))


def board_of(models: str) -> Board:
    source = (
        f"version: 1\nname: n\nnodes:\n  panel: {{kind: layer, models: [{models}]}}\n"
        "  answer: {kind: synth, model: c/z, inputs: [panel]}\noutput: answer\n"
    )
    made = Board()
    nodes = bind(load(source.encode(), file="n.yaml", kinds=KINDS), KINDS).nodes
    made.see(e.RunStarted(0.0, "run", "n", nodes, 0))
    return made


def shown(made: Board, width: int = 80, height: int = 24, now: float = 2.0) -> list[str]:
    return [line.plain for line in frame(made, now, width, height)]


def test_every_node_has_a_line() -> None:
    made = board(2)
    made.see(e.NodeStarted(0.5, "panel/m0"))
    assert shown(made) == [
        "panel     working      1.5 s                      0 of 2",
        "  m0      asking       1.5 s                      a/x",
        "  m1      waiting                                 a/x",
        "answer    waiting                                 c/z",
        "0 of 4 nodes  2.0 s  0 tok  $0",
    ]


def test_a_model_is_shown_where_the_name_does_not_tell_it() -> None:
    lines = shown(board_of("v/kimi-k2.6, v/gemini@sim, {model: v/gemini@sim, key: again}"))
    assert [line.split()[2:] for line in lines[1:4]] == [[], [], ["v/gemini@sim"]]


def test_a_panel_of_forty_folds_into_a_line() -> None:
    made = board(40)
    for i in range(40):
        made.see(e.NodeStarted(0.5, f"panel/m{i}"))
    made.see(e.NodeFinished(1.0, "panel/m7", "failed", "rate_limited"))
    made.see(e.NodeFinished(1.0, "panel/m8", "ok"))
    lines = shown(made)
    assert len(lines) <= 24
    assert lines[0].endswith("1 of 40, 38 asking, 1 failed")
    assert re.fullmatch(r"  m7 +failed +0\.5 s +rate_limited", lines[1])


@pytest.mark.parametrize(("width", "height"), [(80, 24), (50, 12), (30, 8), (200, 60)])
def test_the_picture_fits_the_screen(width: int, height: int) -> None:
    lines = shown(board(64), width, height)
    assert len(lines) < height
    assert max(map(len, lines)) < width


def test_what_fits_nowhere_is_counted() -> None:
    names = [f"n{i}" for i in range(50)]
    source = "version: 1\nname: n\nnodes:\n" + "".join(f"  {name}: {{kind: proposer, model: a/x}}\n" for name in names)
    source += f"  end: {{kind: synth, model: a/x, inputs: [{', '.join(names)}]}}\noutput: end\n"
    made = Board()
    nodes = bind(load(source.encode(), file="n.yaml", kinds=KINDS), KINDS).nodes
    made.see(e.RunStarted(0.0, "run", "n", nodes, 0))
    made.see(e.NodeStarted(0.0, "n3"))
    lines = shown(made)
    assert lines[0].startswith("n3 ")
    assert lines[1] == "and 50 more: 50 waiting"


def test_no_color_means_no_color(terminal: Callable[..., Terminal]) -> None:
    plain = terminal("run", "local", "hello", "-p", "model=sim/fast@sim", NO_COLOR="1")
    assert plain.finish() == 0
    assert "panel" in plain.text
    assert not re.search(r"\x1b\[[0-9;]*m", plain.text)


def test_a_dumb_terminal_gets_lines_only(terminal: Callable[..., Terminal]) -> None:
    screen = terminal("run", "local", "hello", "-p", "model=sim/fast@sim", TERM="dumb")
    assert screen.finish() == 0
    assert "\x1b" not in screen.text
    assert "nodes  " not in screen.text
    assert "\nok in " in screen.text


def test_the_tree_is_drawn_over_itself(terminal: Callable[..., Terminal], slow: Path) -> None:
    screen = terminal("run", slow, "hello")
    screen.wait_for("writing")
    first = screen.text
    assert re.search(r"broken.*failed.*bad_request", first)
    assert re.search(r"\x1b\[\d+F", first)  # up to the first line again
    screen.resize(40, 24)
    screen.wait_for("bad_requ…")
    screen.interrupt()
    last = screen.text.rpartition("F")[2]
    assert max(len(line) for line in re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", last).splitlines()) < 40
