"""`fusiongraph tune`: rungs, records before calls, and files that run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fusion_graph.wiring import pipelines
from tests.commands.conftest import Done

SPACE = """shapes:
  - pipeline: self-consistency
    params: {model: [google/gemini-3-flash, moonshotai/kimi-k2.6, deepseek/deepseek-v4-pro]}
  - {pipeline: budget, params: {refine: [false, true]}}
"""


@pytest.fixture
def space(tmp_path: Path) -> Path:
    file = tmp_path / "space.yaml"
    file.write_text(SPACE)
    return file


def test_the_front_is_written_as_files_that_run(cli: Callable[..., Done], space: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = cli("tune", "sums", "--space", space, "--limit", 24, "--dry-run", "--out", out)
    assert done.code == 0
    assert "rung 1 of 2: 5 shapes on 8 tasks" in done.err
    files = sorted(out.glob("*.yaml"))
    assert files
    for file in files:
        assert str(file) in done.out
        assert pipelines.load(file).description.startswith("Simulated, means nothing.")
        assert cli("run", file, "What is 6 times 7?").code == 0
    assert all(line.startswith("simulated | ") for line in (done.out + done.err).splitlines())


def test_what_is_recorded_is_not_asked_again(cli: Callable[..., Done], space: Path, tmp_path: Path) -> None:
    line = ("tune", "sums", "--space", space, "--limit", 8, "--out", tmp_path / "o")
    first, again = cli(*line), cli(*line, "--resume", "last")
    assert first.code == again.code == 0
    assert first.out == again.out
    assert "0 calls made now" in again.err


def test_rubrics_are_graded(cli: Callable[..., Done], space: Path, tmp_path: Path) -> None:
    done = cli("tune", "sample", "--space", space, "--limit", 3, "--passes", 1, "--dry-run", "--out", tmp_path / "o")
    assert done.code == 0
    assert "protocol openrouter" in done.err


def test_a_budget_ends_the_search(cli: Callable[..., Done], space: Path, tmp_path: Path) -> None:
    done = cli("tune", "sums", "--space", space, "--dry-run", "--out", tmp_path / "o", "--budget-usd", 0.02)
    assert done.code == 4
    assert "the budget ended the search" in done.err


def test_wrong_usage_is_told(cli: Callable[..., Done], space: Path, tmp_path: Path) -> None:
    assert "cannot be read" in cli("tune", "sums", "--space", tmp_path / "no.yaml").err
    assert cli("tune", "sums").code == 2
    space.write_text("shapes: [{pipeline: budget, params: {nosuch: [1]}}]")
    assert "FG203" in cli("tune", "sums", "--space", space).err
    space.write_text("shapes: [{pipeline: budget, params: {samples: [99]}}]")
    assert cli("tune", "sums", "--space", space, "--dry-run").code == 2
    assert cli("tune", "sums", "--space", space, "--out", space / "below").code == 2
