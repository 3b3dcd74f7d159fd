"""`fusiongraph eval` killed at random moments and gone on with: no call of an arm or of the judge is bought twice but
those in flight, counted at the upstream; and the table is the same as without the kills."""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from fusion_graph.errors import UsageError
from fusion_graph.messages import Call
from fusion_graph.providers._sim.server import SimOptions, SimServer, start
from fusion_graph.providers.sim import Pace, SimClient
from fusion_graph.store.database import reading
from fusion_graph.store.journal import FILE
from fusion_graph.store.tables import JOURNAL

Program = Callable[..., "subprocess.Popen[str]"]
KILLS = 3
PIPELINE = (
    "version: 1\nname: duo\nnodes:\n  panel: {kind: layer, models: [m/a, m/b]}\n"
    "  answer: {kind: synth, model: m/c, inputs: [panel]}\noutput: answer\n"
)
TASKS = "".join(
    f"- {{id: t{n}, prompt: 'What is {n} and {n}?', criteria: [{{id: c, weight: 1, requirement: 'Says {n}.'}}, "
    f"{{id: d, weight: 1, requirement: 'Says why {n}.'}}]}}\n"
    for n in range(5)
)
CALLS = 5 * (3 + 3 * 2)  # of each task the two drafts and the text made of them, and two verdicts on each of these


def verdict(call: Call) -> str:
    return json.dumps({"verdict": "MET" if len(call.messages[-1].text) % 2 else "UNMET", "justification": "j"})


def says(call: Call) -> str:
    return f"{call.model} says: {call.messages[-1].text[:30]}"


def started(home: Path) -> int:
    """Calls that left and of which nobody wrote down how they ended."""
    with suppress(UsageError), reading(home / FILE, JOURNAL) as connection:
        (found,) = connection.execute("SELECT COUNT(*) FROM attempts WHERE state = 'started'").fetchone()
        return int(found)
    return 0


class Bench:
    """The program, its upstream, and a folder for each session."""

    def __init__(self, program: Program, server: SimServer, folder: Path) -> None:
        self._program = program
        self.server = server
        self._folder = folder
        (folder / "duo.yaml").write_text(PIPELINE)
        (folder / "tasks.yaml").write_text(TASKS)

    def start(self, home: Path, *more: str) -> subprocess.Popen[str]:
        line = ["eval", self._folder / "duo.yaml", "--ab", "--tasks", self._folder / "tasks.yaml", "--json"]
        line += ["--judge", "m/judge", "--passes", "1", "--force-judge", "--at-once", "3"]
        variables = {"FUSION_BACKEND": "default", "FUSION_BASE_URL": self.server.url, "FUSION_HOME": str(home)}
        return self._program(*line, *more, **variables)

    async def finish(self, process: subprocess.Popen[str]) -> list[dict[str, object]]:
        out, err = await asyncio.to_thread(process.communicate, timeout=60)
        assert process.returncode == 0, err
        found: list[dict[str, object]] = json.loads(out)["arms"]
        return [{name: arm[name] for name in ("arm", "score", "calls", "cost_usd")} for arm in found]


@pytest.mark.parametrize("seed", [1, 2])
async def test_killed_at_random_moments_and_gone_on_with(seed: int, program: Program, tmp_path: Path) -> None:
    script = {"m/judge": verdict, "m/a": says, "m/b": says, "m/c": says}
    server = await start(script=script, options=SimOptions(pace=Pace(first_token_s=0.02, token_s=0.0)))
    bench, home, dice, more = Bench(program, server, tmp_path), tmp_path / "home", random.Random(seed), list[str]()
    try:
        whole = await bench.finish(bench.start(tmp_path / "other"))
        before, in_flight = len(server.received), 0
        asked_once = Counter(name(request) for request in server.received)
        for _ in range(KILLS):
            process = bench.start(home, *more)
            wanted = len(server.received) + dice.randint(3, before // KILLS)
            await server.sim.until(partial(has_received, times=wanted))
            process.kill()
            await asyncio.to_thread(process.communicate)
            in_flight = started(home)
            more = ["--resume", "last"] if in_flight else more
        again = await bench.finish(bench.start(home, *more))
    finally:
        await server.aclose()
    asked = Counter(name(request) for request in server.received[before:])
    assert set(asked) == set(asked_once)
    assert asked.total() - len(asked) <= in_flight + (before - len(asked_once))
    assert again == whole


def has_received(sim: SimClient, *, times: int) -> bool:
    return len(sim.received) >= times


def name(request: object) -> str:
    """What is asked, without the fences around texts, which are drawn anew for every eval."""
    return re.sub(r"[0-9a-f]{8,}", "fence", json.dumps(request.body))  # type: ignore[attr-defined]
