"""`run` and `ask` with --record and --replay."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import Done

QUESTION = "What is 6 times 7?"


@pytest.fixture
def tape(cli: Callable[..., Done], tmp_path: Path) -> Path:
    file = tmp_path / "run.tape"
    assert cli("run", "budget", QUESTION, "--seed", 3, "--record", file).code == 0
    return file


def document(done: Done) -> dict[str, Any]:
    """Without what takes time and what differs on purpose."""
    whole: dict[str, Any] = json.loads(done.out)
    for name in ("timing_s", "journal", "backends"):
        del whole[name]
    for node in whole["nodes"]:
        del node["started_s"], node["seconds"]
    return whole


def test_a_replay_needs_neither_pipeline_nor_prompt_nor_key(
    cli: Callable[..., Done], tape: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = cli("run", "budget", QUESTION, "--seed", 3, "--json", "--record", tape)
    monkeypatch.delenv("FUSION_BACKEND")
    monkeypatch.setenv("FUSION_BASE_URL", "http://127.0.0.1:9/v1")
    again = cli("run", "--replay", tape, "--json", stdin=b"not read")
    assert again.code == 0
    assert document(again) == document(recorded)
    assert "replayed from" in again.err
    assert cli("ask", "--replay", tape).out.strip() == json.loads(again.out)["answer"].strip()


def test_ask_records_too(cli: Callable[..., Done], tmp_path: Path) -> None:
    file = tmp_path / "ask.tape"
    first = cli("ask", QUESTION, "--record", file)
    assert cli("ask", "--replay", file).out == first.out


def test_another_prompt_is_an_error_that_names_the_node(cli: Callable[..., Done], tape: Path) -> None:
    done = cli("run", "budget", "Why?", "--replay", tape)
    assert (done.code, done.out) == (1, "")
    assert "the prompt is not the recorded one" in done.err
    assert "panel/gemini-3-flash asks google/gemini-3-flash" in done.err


@pytest.mark.parametrize("other", [["--resume", "x"], ["--cache"], ["--replay", "b.tape"]])
def test_what_does_not_go_together_is_refused(cli: Callable[..., Done], other: list[str]) -> None:
    done = cli("run", "budget", QUESTION, "--record", "a.tape", *other)
    assert done.code == 2
    assert f"--record and {other[0]} exclude each other" in done.err


def test_files_that_cannot_be_are_refused_before_anything_is_spent(cli: Callable[..., Done], tmp_path: Path) -> None:
    assert "cannot be written" in cli("run", "budget", QUESTION, "--record", tmp_path / "no" / "a.tape").err
    broken = tmp_path / "broken.tape"
    broken.write_text("{}\n")
    done = cli("run", "--replay", broken)
    assert (done.code, done.out) == (2, "")
    assert f"{broken}:1: not a line of a cassette" in done.err


def test_an_interrupted_recording_is_readable(program: Callable[..., Any], slow: Path, tmp_path: Path) -> None:
    file = tmp_path / "cut.tape"
    running = program("run", slow, QUESTION, "--record", file, "--no-journal")
    while not (file.is_file() and '"is": "piece"' in file.read_text()):
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    assert running.wait() == 130
    again = program("run", "--replay", file)
    _, err = again.communicate()
    assert "the recording was cut" in err
    assert again.returncode == 1
