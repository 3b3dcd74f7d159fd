"""What tests of commands need: a command line run in this process, one run as a program, and one run on a terminal."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from fusion_graph.api import run
from fusion_graph.commands import execute
from fusion_graph.engine.report import RunResult
from tests.commands.terminal import Terminal

ROOT = Path(__file__).parents[2]


class Done(NamedTuple):
    """How a command line ended."""

    code: int
    out: str
    err: str


async def sim_result() -> RunResult:
    """A run of three calls on simulated models."""
    pipeline = {
        "version": 1,
        "name": "small",
        "nodes": {
            "panel": {"kind": "layer", "models": ["a/x@sim", "b/y@sim"]},
            "answer": {"kind": "synth", "model": "c/z@sim", "inputs": ["panel"]},
        },
        "output": "answer",
    }
    return await run(pipeline, "What is 6 times 7?")


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run one command line here, on simulated models."""
    monkeypatch.setenv("FUSION_BACKEND", "sim")

    def line(*arguments: object, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = execute([str(argument) for argument in arguments])
        return Done(code, *capsys.readouterr())

    return line


@pytest.fixture
def environment() -> dict[str, str]:
    """Of a program that a test starts: this package, simulated models."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return {**inherited, "FUSION_BACKEND": "sim", "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}


@pytest.fixture
def program(environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `fusiongraph` as a program, its three streams on pipes."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object, **more: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "fusion_graph", *map(str, arguments)],
                env=environment | more,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def terminal(environment: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    """Start `fusiongraph` on a terminal of its own."""
    started: list[Terminal] = []

    def start(*arguments: object, columns: int = 80, lines: int = 24, **more: str) -> Terminal:
        command = [sys.executable, "-m", "fusion_graph", *map(str, arguments)]
        started.append(Terminal(command, environment | more, columns, lines))
        return started[-1]

    yield start
    for screen in started:
        screen.close()


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A pipeline that takes seconds: two models that wait before they speak, one that fails, and a writer."""
    file = tmp_path / "slow.yaml"
    file.write_text(
        "version: 1\nname: slow\nnodes:\n"
        "  panel: {kind: layer, models: [sim/demo@sim, sim/slow@sim, {model: sim/fault-400@sim, key: broken}]}\n"
        "  answer: {kind: synth, model: sim/demo@sim, inputs: [panel]}\n"
        "  final: {kind: fallback, inputs: [answer, panel]}\noutput: final\n"
    )
    return file
