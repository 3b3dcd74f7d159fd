"""`fusiongraph expand`: the graph that a file is short for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.commands.conftest import Done


def test_a_panel_becomes_a_graph_that_runs_the_same(cli: Callable[..., Done], tmp_path: Path) -> None:
    done = cli("expand", "budget")
    assert "kind: fallback" in done.out
    (tmp_path / "graph.yaml").write_text(done.out)
    assert cli("check", tmp_path / "graph.yaml").code == 0
    assert cli("run", tmp_path / "graph.yaml", "Why?").out == cli("run", "budget", "Why?").out


def test_a_graph_stays_as_it_was_written(cli: Callable[..., Done], tmp_path: Path) -> None:
    text = "# mine\nversion: 1\nname: p\nnodes: {a: {kind: proposer, model: a/x}} # one\noutput: a\n"
    (tmp_path / "p.yaml").write_text(text)
    assert cli("expand", tmp_path / "p.yaml").out == text


def test_an_invalid_file_is_not_expanded(cli: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("name: p\npanel: 3\n")
    done = cli("expand", tmp_path / "p.yaml")
    assert (done.code, done.out) == (2, "")
    assert f"{tmp_path}/p.yaml:2:" in done.err
