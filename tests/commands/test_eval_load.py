"""Thousands of judge calls in one run: killed with SIGKILL and resumed, no finished call is made twice, and memory
stays flat. `make judging` does it with more than 20,000 calls."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from tests.evals import lookalike

PASSES = int(os.environ.get("JUDGE_PASSES", "1"))
TASKS = lookalike.TASKS if PASSES > 1 else 20
PIPELINE = "version: 1\nname: one\nnodes: {a: {kind: proposer, model: a/x}}\noutput: a\n"


def verdicts(store: Path) -> int:
    with closing(sqlite3.connect(store)) as found:
        count: int = found.execute("SELECT count(*) FROM stages WHERE stage = 'verdict'").fetchone()[0]
    return count


def resident_kb(process: subprocess.Popen[str]) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0])


def test_killed_and_resumed_with_flat_memory(program: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    tasks, store, pipeline = tmp_path / "look.jsonl", tmp_path / "s.db", tmp_path / "one.yaml"
    tasks.write_bytes(lookalike.jsonl())
    pipeline.write_text(PIPELINE)
    line = ("eval", pipeline, "--tasks", tasks, "--dry-run", "--passes", PASSES, "--limit", TASKS, "--resume", store)
    process = program(*line)
    wanted = sum(len(task["criteria"]) for n in range(TASKS) for task in lookalike.tree(n)["sections"]) * PASSES
    assert process.stderr is not None
    while "answers; " not in process.stderr.readline():  # a tenth of them
        assert process.poll() is None
    process.kill()
    process.wait()
    kept = verdicts(store)
    assert kept < wanted
    made, rss = resumed(program(*line))
    assert verdicts(store) == wanted
    assert made <= wanted - kept + TASKS  # the rest of the verdicts, and answers that were not there
    assert made >= wanted - kept
    if PASSES > 1:
        assert max(rss[len(rss) // 4 :]) < 1.2 * rss[len(rss) // 4]


def resumed(process: subprocess.Popen[str]) -> tuple[int, list[int]]:
    """Calls made by the second process, and its memory at every line of progress."""
    assert process.stderr is not None
    rss, said = [], ""
    for line in process.stderr:
        said += line
        if " answers; " in line:
            rss.append(resident_kb(process))
    assert process.wait() == 0
    found = re.search(r"([\d,]+) calls? made now", said)
    assert found is not None
    return int(found.group(1).replace(",", "")), rss
