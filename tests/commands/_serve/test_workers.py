"""`fusiongraph serve --workers N` as a program. `_serve.workers` holds the processes together."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fusion_graph.commands._serve.workers import alone
from tests.commands.test_serve import ONE, ask, served
from tests.loopback import free_port

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for processes the Linux way")
KILLED = re.compile(r"worker (\d+) ended by itself \(signal 9\)")


@contextmanager
def workers(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str, list[int]]]:
    """Two of them: the process above, the address, the ids of both."""
    (folder / "one.yaml").write_text(ONE)
    with served("--pipelines", str(folder), "--port", str(free_port()), "--workers", "2") as (process, url):
        assert process.stderr is not None
        for _ in range(2):  # both have said what they serve, so whoever says it next is another one
            assert any(line.startswith("models: ") for line in process.stderr)
        yield process, url, children(process.pid)


def children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]


def gone(pid: int) -> bool:
    """Ended, also if nobody has asked for its exit code yet."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text("ascii")
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("given", [["--workers", "2"], ["--workers=2"]])
def test_worker_has_the_same_arguments(given: list[str]) -> None:
    assert alone(["serve", *given, "--port", "1"]) == ["serve", "--port", "1", "--shared-port"]


def test_workers_share_a_port_and_end_together(tmp_path: Path) -> None:
    with workers(tmp_path) as (process, url, pids):
        assert len(pids) == 2
        assert all("42" in ask(url, "one") for _ in range(4))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert all(gone(pid) for pid in pids)


def test_dead_worker_is_told_of_and_replaced(tmp_path: Path) -> None:
    with workers(tmp_path) as (process, url, pids):
        assert process.stderr is not None
        os.kill(pids[0], signal.SIGKILL)
        assert any(KILLED.match(line) for line in process.stderr)  # reads until it is said
        assert any(line.startswith("models: ") for line in process.stderr)  # the new one is up
        assert len(children(process.pid)) == 2
        assert pids[0] not in children(process.pid)
        assert all("42" in ask(url, "one") for _ in range(4))
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_one_that_is_told_to_end_while_it_starts_ends_without_a_word(tmp_path: Path) -> None:
    with workers(tmp_path) as (process, _url, pids):
        assert process.stderr is not None
        os.kill(pids[0], signal.SIGKILL)
        assert any(KILLED.match(line) for line in process.stderr)
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
        assert process.wait(20) == 0
        assert "rror" not in told
        assert "cannot start" not in told


def test_all_workers_read_pipelines_again(tmp_path: Path) -> None:
    with workers(tmp_path) as (process, url, _pids):
        assert process.stderr is not None
        (tmp_path / "one.yaml").write_text(ONE.replace("name: one", "name: two"))
        process.send_signal(signal.SIGHUP)
        told = 0
        for line in process.stderr:
            told += " reload " in line
            if told == 2:
                break
        assert all("42" in ask(url, "two") for _ in range(4))


def test_worker_that_cannot_start_ends_all(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("version: 2")
    with served("--pipelines", str(tmp_path), "--port", str(free_port()), "--workers", "2") as (process, url):
        assert url == ""
        assert process.wait(20) == 2


def test_workers_end_when_the_process_above_is_killed(tmp_path: Path) -> None:
    with workers(tmp_path) as (process, _url, pids):
        process.kill()
        until = time.monotonic() + 10
        while not all(gone(pid) for pid in pids) and time.monotonic() < until:
            time.sleep(0.02)  # nobody tells us: they are no children of ours
        assert all(gone(pid) for pid in pids)
