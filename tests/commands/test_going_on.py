"""Programs that are stopped, that share a journal, or whose disk is full: what the user sees."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.conftest import Done

Start = Callable[..., subprocess.Popen[str]]
PANEL = "{kind: layer, models: [sim/fast@sim, {model: sim/fast@sim, key: again}]}"
ANSWER = "{{kind: synth, model: {model}, inputs: [panel]}}"
FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from fusion_graph.commands import execute
from fusion_graph.store import database
open_it = database.Database.open
def opened(self):
    open_it(self)
    resource.setrlimit(resource.RLIMIT_FSIZE, (self.path.stat().st_size, self.path.stat().st_size))
database.Database.open = opened
sys.exit(execute(sys.argv[1:]))
"""


def pipeline(folder: Path, model: str = "sim/fast@sim") -> Path:
    file = folder / f"two-{model.partition('@')[0].replace('/', '-')}.yaml"
    nodes = f"  panel: {PANEL}\n  answer: {ANSWER.format(model=model)}\n"
    file.write_text(f"version: 1\nname: two\nnodes:\n{nodes}output: answer\n")
    return file


def test_interrupted_run_says_how_to_go_on(program: Start, cli: Callable[..., Done], tmp_path: Path) -> None:
    process = program("run", pipeline(tmp_path, "sim/slow@sim"), "Why?", "--trace", tmp_path / "trace")
    listed: list[dict[str, object]] = []
    while not (listed and listed[0]["attempts"] == 3):
        assert process.poll() is None
        told = cli("runs", "list", "--json")
        listed = json.loads(told.out) if told.code == 0 else []
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    (run,) = re.findall(r"fusiongraph run --resume ([0-9a-f]+)", errors)
    assert run == listed[0]["id"]
    done = cli("run", pipeline(tmp_path), "--resume", run, "--json")
    states = {node["id"]: node["state"] for node in json.loads(done.out)["nodes"]}
    assert states == {"panel/fast": "replayed", "panel/again": "replayed", "panel": "replayed", "answer": "ok"}


def test_two_programs_share_one_journal(program: Start, cli: Callable[..., Done], tmp_path: Path) -> None:
    file = pipeline(tmp_path)
    both = [program("run", file, f"Question {n}?", "--json") for n in range(2)]
    told = [json.loads(process.communicate(timeout=60)[0]) for process in both]
    assert [one["journal"] for one in told] == [{"state": "on"}] * 2
    listed = json.loads(cli("runs", "list", "--json").out)
    assert {line["id"] for line in listed} == {one["run_id"] for one in told}
    assert {line["state"] for line in listed} == {"ok"}


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
def test_full_disk_costs_no_answer(environment: dict[str, str], tmp_path: Path) -> None:
    """The limit is set when the journal is open: nothing more can be written into it."""
    program = [sys.executable, "-c", FULL, "run", str(pipeline(tmp_path)), "-", "--json"]
    done = subprocess.run(program, env=environment, input="x" * 200_000, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert (done.returncode, told["state"], bool(told["answer"])) == (0, "ok", True)
    assert told["journal"]["state"] == "off"
    assert "journal: off (runs.db: " in done.stderr


FINISH = 'sim: call finish {"summary": "done", "verified": "looked"}'


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("eval", "--tasks", "sums", "--limit", "40"), "this eval cannot be looked at"),
        (("code", f"{FINISH} {'x' * 100_000}", "--json"), "this session cannot be looked at"),
    ],
)
def test_full_disk_costs_no_eval_and_no_session(
    line: tuple[str, ...], told: str, environment: dict[str, str], tmp_path: Path
) -> None:
    program = [sys.executable, "-c", FULL, *line]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert done.stderr.count("journal: off") == 1
    assert f"journal: off (runs.db: disk I/O error): {told}" in done.stderr


def test_a_session_without_a_journal_learns_it_before_it_begins(environment: dict[str, str], tmp_path: Path) -> None:
    """Not at its end, when hours may be lost, and not twice."""
    (tmp_path / "home").write_text("a file where a folder should be")
    program = [sys.executable, "-m", "fusion_graph", "code", FINISH, "--json"]
    variables = {**environment, "FUSION_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        program, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=tmp_path
    )
    off = "this session cannot be looked at or gone on with later"
    assert (done.returncode, done.stdout.count("journal: off"), done.stdout.count(off)) == (0, 1, 1), done.stdout
    assert done.stdout.index("journal: off") < done.stdout.index('"Began"')
    again = subprocess.run(
        [*program, "--resume", "last"], env=variables, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (again.returncode, again.stderr.count("journal"), "begin anew" in again.stderr) == (2, 1, True), again.stderr
