"""Findings as people read them."""

from __future__ import annotations

from pathlib import Path

from fusion_graph.commands._findings import count, show_all
from fusion_graph.errors import Diagnostic


def test_shows_the_line_and_a_caret(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("version: 1\nnmae: x\n")
    found = Diagnostic(code="FG111", message="unknown key", file=str(file), line=2, col=1, hint="did you mean name?")
    assert show_all([found]) == (
        f"{file}:2:1: FG111 unknown key (did you mean name?)\n    2 | nmae: x\n      | ^\n1 error"
    )


def test_a_file_that_is_gone_shows_no_line() -> None:
    found = Diagnostic(code="FG301", message="a cycle", severity="warning", file="<pipeline>", line=3, col=1)
    assert show_all([found]) == "<pipeline>:3:1: warning FG301 a cycle\n1 warning"


def test_counts_errors_before_warnings() -> None:
    warning, error = (Diagnostic(code="FG1", message="", severity=s) for s in ("warning", "error"))
    assert count([warning, error, error]) == "2 errors, 1 warning"
    assert count([]) == "nothing to mend"
