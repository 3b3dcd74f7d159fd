"""A search that was ended: the last whole rung stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.commands.conftest import Done


def test_the_rung_before_stands(cli: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "shapes:\n  - {pipeline: self-consistency, params: {model: [google/gemini-3-flash, moonshotai/kimi-k2.6]}}\n"
        "  - {pipeline: self-consistency, params: {model: [deepseek/deepseek-v4-pro]}}\n"
    )
    line = ("tune", "sums", "--space", tmp_path / "s.yaml", "--dry-run", "--out", tmp_path / "o", "--limit", 90)
    done = cli(*line, "--budget-usd", 0.07)
    assert done.code == 4
    assert "rung 2" in done.err
    assert "tuned-1.yaml" in done.out
