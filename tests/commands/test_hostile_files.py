"""Files that nobody wrote in good faith: found out quickly, with a place, whatever they hold."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fusion_graph.commands._findings import show_all
from fusion_graph.graph import reader
from fusion_graph.kinds import KINDS


@pytest.mark.timeout(20)
def test_ten_megabytes_are_shown_at_once(tmp_path: Path) -> None:
    file = tmp_path / "big.yaml"
    file.write_text("[" + "{}," * 3_000_000)
    shown = show_all(reader.read(file.read_bytes()[: 1 << 20], file=str(file), kinds=KINDS).diagnostics)
    assert "FG102 the file has more than" in shown


@pytest.mark.timeout(30)
def test_errors_on_one_line_are_cheap(tmp_path: Path) -> None:
    file = tmp_path / "line.yaml"
    nodes = ", ".join(f"n{i}: {{kind: zzz, bog: 1}}" for i in range(1500))
    file.write_text(f"{{version: 1, name: g, output: n0, nodes: {{{nodes}}}}}")
    shown = show_all(reader.read(file.read_bytes(), file=str(file), kinds=KINDS).diagnostics)
    assert shown.count("FG1") >= 1500


def test_json_stays_json_where_stdout_knows_ascii_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    monkeypatch.setenv("FUSION_BACKEND", "sim")
    command = [sys.executable, "-m", "fusion_graph", "run", "budget", "Gr\u00fc\u00dfe \U0001f600", "--json"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert "Gr\u00fc\u00dfe \U0001f600" in json.loads(done.stdout)["answer"]
