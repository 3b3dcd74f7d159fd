"""`python -m benchmarks.kill [--prompts N] [--at-once N] [--rounds N]`: is a call paid twice that was not in flight?

Every round sends so many prompts through a pipeline of four calls, in a process of its own, to a simulated upstream on
a real socket. The process is killed (SIGKILL) after a random number of requests; a second one goes on with what the
journal has. Counted at the upstream: what was asked for more than once. Exits with 1 if that is more than was in
flight, or if a result is missing or changed.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import logging
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from fusion_graph.contracts import Backend
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Prices
from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import UsageError
from fusion_graph.graph.bound import Bound
from fusion_graph.messages import Message
from fusion_graph.providers import PROVIDERS
from fusion_graph.providers._sim.server import SimOptions, SimServer, start
from fusion_graph.providers.sim import Pace
from fusion_graph.store.database import reading
from fusion_graph.store.journal import FILE, Job, Journal
from fusion_graph.store.past import Past, read_past
from fusion_graph.store.tables import JOURNAL
from fusion_graph.wiring import pipelines

FENCE = "f00dcafe1234"
CALLS = 4  # of one prompt
PIPELINE = {
    "version": 1,
    "name": "four",
    "nodes": {
        "panel": {"kind": "layer", "models": ["m/a", "m/b"]},
        "answer": {"kind": "synth", "model": "m/c", "inputs": ["panel"]},
        "final": {"kind": "synth", "model": "m/d", "inputs": ["answer"]},
    },
    "output": "final",
}


class Round(NamedTuple):
    """What one round came to."""

    killed_after: int
    in_flight: int
    repaid: int
    wrong: tuple[str, ...]


# --- the process that is killed ---------------------------------------------------------------------------------------


async def work(home: Path, url: str, prompts: int, at_once: int) -> None:
    """Run what is not finished; a line of standard output for every answer."""
    journal, turn, bound = Journal(home), asyncio.Semaphore(at_once), pipelines.bind(pipelines.load(PIPELINE))
    backend = Backend(name="up", base_url=url, free=True)
    async with (
        Fusion(providers=PROVIDERS, backends={"up": backend}, default_backend="up", prices=Prices({})) as fusion,
        asyncio.TaskGroup() as group,
    ):
        for number in range(prompts):
            group.create_task(_one(fusion, journal, bound, home, number, turn))
    journal.close()


async def _one(
    fusion: Fusion, journal: Journal, bound: Bound, home: Path, number: int, turn: asyncio.Semaphore
) -> None:
    asked, run = (Message("user", f"Prompt {number}: why?"),), f"{number:016x}"
    async with turn:
        past = _past(home, run)
        job = Job(run, bound, asked, FENCE, "up")
        memory = journal.go_on(job, past) if past else journal.begin(job)
        result = await fusion.run(bound, RunRequest(messages=asked, run_id=run, fence=FENCE, memory=memory))
        print(number, hashlib.sha256(result.text.encode()).hexdigest(), flush=True)


def _past(home: Path, run: str) -> Past | None:
    with suppress(UsageError), reading(home / FILE, JOURNAL) as connection:
        return read_past(connection, run)
    return None


# --- the one that counts ----------------------------------------------------------------------------------------------


async def play(prompts: int, at_once: int, dice: random.Random, first_token_s: float = 0.1) -> Round:
    """One round."""
    server = await start(options=SimOptions(pace=Pace(first_token_s=first_token_s)))
    try:
        with tempfile.TemporaryDirectory() as folder:
            return await _round(Path(folder), server, prompts, at_once, dice.randint(1, prompts * CALLS - 1))
    finally:
        await server.aclose()


async def _round(home: Path, server: SimServer, prompts: int, at_once: int, killed_after: int) -> Round:
    command = [sys.executable, "-m", "benchmarks.kill", "--work", str(home), server.url]
    command += ["--prompts", str(prompts), "--at-once", str(at_once)]
    first = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    await server.sim.until(lambda sim: len(sim.received) >= killed_after)
    first.kill()
    before = _answers((await first.communicate())[0])
    in_flight = _in_flight(home)
    second = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    after = _answers((await second.communicate())[0])
    asked = Counter(map(_name, server.received))
    wrong = [f"prompt {n}: no answer" for n in range(prompts) if n not in after]
    wrong += [f"prompt {n}: another answer" for n, text in before.items() if after.get(n, text) != text]
    wrong += [f"{len(asked)} calls instead of {prompts * CALLS}"] if len(asked) != prompts * CALLS else []
    wrong += [f"{name}: repaid, though not in flight" for name, n in asked.items() if n > 1 and name not in in_flight]
    return Round(killed_after, len(in_flight), asked.total() - len(asked), tuple(wrong))


def _answers(told: bytes) -> dict[int, str]:
    """By number; a line that was cut in the middle is none."""
    return {int(n): text for n, text in re.findall(r"^(\d+) ([0-9a-f]{64})$", told.decode(), re.MULTILINE)}


def _in_flight(home: Path) -> set[str]:
    """The calls of which the journal says that they left and not how they ended."""
    with suppress(UsageError), reading(home / FILE, JOURNAL) as connection:
        rows = connection.execute("SELECT run, model FROM attempts WHERE state = 'started'").fetchall()
        return {f"{row['model']} {int(row['run'], 16)}" for row in rows}
    return set()


def _name(request: object) -> str:
    body = request.body  # type: ignore[attr-defined]
    (number,) = set(re.findall(r"Prompt (\d+): why", str(body["messages"])))
    return f"{body['model']} {number}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kill", description="kill runs, go on, count calls")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", nargs=2, metavar=("HOME", "URL"), help=argparse.SUPPRESS)
    told = parser.parse_args(arguments)
    if told.work:
        asyncio.run(work(Path(told.work[0]), told.work[1], told.prompts, told.at_once))
        return 0
    logging.getLogger("aiohttp.server").disabled = True  # clients are killed on purpose
    dice, bad, repaid, in_flight = random.Random(told.seed), 0, 0, 0
    for number in range(told.rounds):
        found = asyncio.run(play(told.prompts, told.at_once, dice))
        print(f"round {number + 1}: killed after {found.killed_after} requests, {found.in_flight} in flight, "
              f"{found.repaid} repaid", *found.wrong[:5], sep="\n  ", flush=True)  # fmt: skip
        bad += bool(found.wrong) or found.repaid > found.in_flight
        repaid, in_flight = repaid + found.repaid, in_flight + found.in_flight
    calls = told.rounds * told.prompts * CALLS
    print(
        f"{told.rounds} rounds, {calls:,} calls: {in_flight} in flight when killed, {repaid} repaid, {bad} bad rounds"
    )
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
