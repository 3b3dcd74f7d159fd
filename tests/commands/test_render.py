"""`fusiongraph render`: where the drawing goes and in which format."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Done

Cli = Callable[..., Done]


def test_draws_in_the_terminal(cli: Cli) -> None:
    done = cli("render", "budget")
    assert done.code == 0
    assert "─ synth" in done.out
    assert max(map(len, done.out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("name", "begin"),
    [("a.svg", b"<?xml"), ("a.png", b"\x89PNG"), ("a.dot", b"digraph"), ("a.mmd", b"")],
)
def test_draws_into_a_file_and_names_it(cli: Cli, tmp_path: Path, name: str, begin: bytes) -> None:
    done = cli("render", "budget", "-o", tmp_path / name)
    assert (done.code, done.out) == (0, f"{tmp_path / name}\n")
    assert (tmp_path / name).read_bytes().startswith(begin)
    assert b"synth" in (tmp_path / name).read_bytes() or name == "a.png"


def test_the_format_may_be_said(cli: Cli, tmp_path: Path) -> None:
    cli("render", "budget", "-o", tmp_path / "picture", "--format", "dot")
    assert (tmp_path / "picture").read_text().startswith("digraph")


@pytest.mark.parametrize("arguments", [("--format", "png"), ("-o", "-", "--format", "png")])
def test_standard_output_gets_the_bytes(environment: dict[str, str], arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "fusion_graph", "render", "budget", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert done.stdout.startswith(b"\x89PNG")
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("output", "words"),
    [("-", "standard output needs --format"), ("a.jpg", "tells no format"), ("no/such/a.svg", "cannot be written")],
)
def test_an_impossible_output_is_one_line(cli: Cli, output: str, words: str) -> None:
    done = cli("render", "budget", "-o", output)
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_params_change_the_drawing(cli: Cli) -> None:
    assert cli("render", "budget", "-p", "layers=3").out != cli("render", "budget").out
