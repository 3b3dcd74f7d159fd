"""Whatever ends a command: its exit code and its one line."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from fusion_graph.commands._console import ReaderGone
from fusion_graph.commands._exit import conclude
from fusion_graph.errors import (
    Diagnostic,
    FusionError,
    NodeFailed,
    Permanent,
    PipelineError,
    RunFailed,
    ToolError,
    Transient,
    UsageError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (RunFailed("all_panels_failed", "x"), 1),
        (RunFailed("budget", "x"), 4),
        (RunFailed("deadline", "x"), 4),
        (Transient("rate_limited"), 1),
        (Permanent("auth_failed"), 1),
        (NodeFailed("no_input"), 1),
        (ToolError("x"), 1),
        (FusionError("x"), 1),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (ReaderGone(), 141),
        (SystemExit(5), 5),
        (OSError(28, "No space left on device"), 1),
        (click.UsageError("x"), 2),
        (ZeroDivisionError("x"), 70),
    ],
)
def test_each_error_has_its_code(error: BaseException, code: int) -> None:
    assert conclude(error) == code


def test_an_error_is_one_line_with_its_hint(capsys: pytest.CaptureFixture[str]) -> None:
    conclude(UsageError("there is no prompt", hint="give one"))
    assert capsys.readouterr() == ("", "error: there is no prompt; give one\n")


def test_a_question_as_hint_reads_well(capsys: pytest.CaptureFixture[str]) -> None:
    conclude(click.UsageError("No such option '--jsn'. Did you mean '--json'?"))
    assert capsys.readouterr().err == "error: No such option '--jsn'. Did you mean '--json'?\n"


def test_an_invalid_pipeline_shows_every_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("name: X\nnodes: 3\n")
    found = [Diagnostic(code=f"FG10{n}", message="is wrong", file=str(file), line=n, col=1) for n in (1, 2)]
    assert conclude(PipelineError(found)) == 2
    shown = capsys.readouterr().err
    assert f"{file}:1:1: FG101 is wrong" in shown
    assert "    2 | nodes: 3\n      | ^" in shown
    assert shown.endswith("2 errors\n")


def test_a_bug_says_so_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    conclude(ZeroDivisionError("division by zero"))
    told = capsys.readouterr().err
    assert told.startswith("error: a bug in fusion_graph: ZeroDivisionError: division by zero; please report it")
    assert "Traceback" not in told


def test_debugging_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FUSION_DEBUG", "1")
    conclude(ZeroDivisionError("division by zero"))
    assert "ZeroDivisionError" in capsys.readouterr().err.splitlines()[0]


def test_an_interrupt_tells_what_was_spent(capsys: pytest.CaptureFixture[str]) -> None:
    conclude(KeyboardInterrupt("3 calls, $0.01 spent"))
    assert capsys.readouterr().err == "interrupted: 3 calls, $0.01 spent\n"
