"""Thousands of judge calls in one run: killed with SIGKILL and resumed, no finished call is made twice, and memory
stays flat. `make judging` does it with more than 20,000 calls."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from fusion_graph import settings
from fusion_graph.store.database import reading
from fusion_graph.store.journal import FILE
from fusion_graph.store.tables import JOURNAL
from tests.evals import lookalike

PASSES = int(os.environ.get("JUDGE_PASSES", "1"))
TASKS = lookalike.TASKS if PASSES > 1 else 20
PIPELINE = "version: 1\nname: one\nnodes: {a: {kind: proposer, model: a/x}}\noutput: a\n"


def verdicts() -> int:
    """Calls of the judge that were answered."""
    with reading(settings.load().home / FILE, JOURNAL) as connection:
        (count,) = connection.execute(
            "SELECT count(*) FROM runs JOIN attempts ON run = id WHERE command = 'judge' AND attempts.state = 'ok'"
        ).fetchone()
    return int(count)


def resident_kb(process: subprocess.Popen[str]) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0])


def test_killed_and_resumed_with_flat_memory(program: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    tasks, pipeline = tmp_path / "look.jsonl", tmp_path / "one.yaml"
    tasks.write_bytes(lookalike.jsonl())
    pipeline.write_text(PIPELINE)
    line = ("eval", pipeline, "--tasks", tasks, "--dry-run", "--passes", PASSES, "--limit", TASKS)
    process = program(*line, "--journal")
    wanted = sum(len(task["criteria"]) for n in range(TASKS) for task in lookalike.tree(n)["sections"]) * PASSES
    assert process.stderr is not None
    while "answers; " not in process.stderr.readline():  # a tenth of them
        assert process.poll() is None
    process.kill()
    process.wait()
    kept = verdicts()
    assert kept < wanted
    made, rss = resumed(program(*line, "--resume", "last"))
    assert verdicts() == wanted
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
