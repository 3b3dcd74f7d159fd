"""`python -m benchmarks.soak [--seconds N]`: clients and upstreams of every bad kind for a while. Does the server grow?

Server, upstream and clients are processes of their own, so what is measured is the server's alone: memory, open files,
tasks. Its stores are full when counting begins: what it keeps for ten minutes is bounded in number, and a warm-up gets
there. Exits with 1 if anything has not come back to where it was, or a request met a bug.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from benchmarks.load import rss_mb
from scripts.stack import Stack, stack

KEY = "a-key-with-a-budget"
PATIENCE = "timeout: {first_token_s: 0.5, idle_s: 0.5, total_s: 1.5}, retry: {attempts: 1}, max_tokens: 100"
PIPELINES = {
    "rough.yaml": f"""
version: 1
name: rough
defaults: {{{PATIENCE}}}
nodes:
  panel: {{kind: layer, models: [google/gemini-3-flash, moonshotai/kimi-k2.6]}}
  verdict: {{kind: judge, model: openai/gpt-5.5, inputs: [panel]}}
  answer: {{kind: synth, model: anthropic/claude-opus-4.8, inputs: [panel, verdict?]}}
  final: {{kind: fallback, inputs: [answer, panel]}}
output: final
""",
    "one.yaml": f"""
version: 1
name: one
defaults: {{{PATIENCE}}}
nodes: {{answer: {{kind: proposer, model: anthropic/claude-opus-4.8}}}}
output: answer
""",
}
SETTINGS = """
[server]
keys_file = "keys.toml"
expose_panel = false
write_s = 0.3
max_runs = 64
max_queue = 16
queue_s = 0.5
"""
RIGHTS = f"""
[keys.rich]
sha256 = "{hashlib.sha256(KEY.encode()).hexdigest()}"
budget_usd_per_day = 1e6
max_runs = 64
"""
FAULTS = ("500", "cut", "reset", "html", "empty", "429", "stall", "stall-mid", "drip", "error-event", "bad-json")
CLIENTS = 16
ROUND_S = 60
REST_S = 40.0  # connections that rest are closed in a quarter of a minute


class Standing(NamedTuple):
    """The server when nothing goes on."""

    tasks: int
    files: int
    mb: float

    def told(self) -> str:
        return f"{self.tasks} tasks, {self.files} files, {self.mb:.1f} MB"


class Soak(NamedTuple):
    """How the server stood when it was fresh (its memory: when its stores were full) and at the end; how requests ended
    in between; how many met a bug, by its log."""

    before: Standing
    after: Standing
    ends: Mapping[str, int]
    bugs: int

    @property
    def wrong(self) -> list[str]:
        before, after, ends, bugs = self
        found = [f"{after.tasks} tasks, {before.tasks} before"] if after.tasks > before.tasks else []
        found += [f"{after.files} open files, {before.files} before"] if after.files > before.files else []
        found += [f"{after.mb:.1f} MB, {before.mb:.1f} before"] if after.mb > before.mb * 1.1 + 2 else []
        found += [f"{bugs} requests met a bug"] if bugs else []
        return found if ends.get("200") else [*found, "nobody got an answer"]


# --- one of the clients -----------------------------------------------------------------------------------------------


class Rabble:
    """Clients that stay, leave early, leave late, ask for nonsense, in the words of every API."""

    def __init__(self, at: Stack, session: aiohttp.ClientSession, dice: random.Random) -> None:
        self._server = at.server
        self._script = f"{at.upstream.removesuffix('/v1')}/_sim/script"
        self._session = session
        self._dice = dice
        self.ends = Counter[str]()

    async def ask(self, seconds: float) -> None:
        """All of them at once, for so long."""
        until = time.monotonic() + seconds
        await asyncio.gather(*(self._client(until) for _ in range(CLIENTS)))

    async def _client(self, until: float) -> None:
        dice = self._dice
        while time.monotonic() < until:
            if dice.random() < 0.1:
                await self._spoil(dice.choice(FAULTS))
            same = f"k{dice.randrange(50)}" if dice.random() < 0.1 else ""
            path, body = _asked(random.Random(same) if same else dice)
            try:
                async with (
                    asyncio.timeout(dice.choice([0.005, 0.02, 5.0, 5.0])),
                    self._session.post(self._server + path, json=body, headers=_key(same)) as response,
                ):
                    await response.read()
                    self.ends[str(response.status)] += 1
            except (TimeoutError, aiohttp.ClientError):
                self.ends["left"] += 1

    async def _spoil(self, fault: str) -> None:
        """The next call upstream fails so."""
        async with self._session.post(self._script, json={"faults": {"*": [fault]}}) as response:
            await response.read()


def _asked(dice: random.Random) -> tuple[str, Mapping[str, Any]]:
    """Path and body. Nearly every question is new: a failure, or what was paid for, would be answered from memory."""
    text, stream = f"Why {dice.randrange(10**5)}?", dice.random() < 0.6
    body: dict[str, Any] = {"model": dice.choice(["rough", "one", "one", "one", "none"]), "stream": stream}
    path = dice.choice(["/chat/completions", "/messages", "/responses"])
    if path == "/responses":
        return path, {**body, "input": text}
    return path, {**body, "messages": [{"role": "user", "content": text}], "max_tokens": 50}


def _key(same: str) -> Mapping[str, str]:
    """Who sends the same at once shares a run."""
    return {"Idempotency-Key": same} if same else {}


# --- the server's process ---------------------------------------------------------------------------------------------


async def soak(seconds: float, dice: random.Random, tell: Callable[[str], None] = lambda _line: None) -> Soak:
    """In rounds of a minute. A quarter of the time beforehand, a minute at most, fills the stores."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "served").mkdir()
        for file, text in PIPELINES.items():
            (folder / "served" / file).write_text(text, "utf-8")
        (folder / "fusiongraph.toml").write_text(SETTINGS, "utf-8")
        (folder / "keys.toml").write_text(RIGHTS, "utf-8")
        with stack(folder, folder / "served") as at:
            fresh = await standing(at)
            await _abuse(at, min(seconds / 4, ROUND_S), dice)
            full = await standing(at)
            tell(f"warmed up: {full.told()}")
            ends = Counter[str]()
            for begin in range(0, ceil(seconds), ROUND_S):
                ends += await _abuse(at, min(seconds - begin, ROUND_S), dice)
                tell(f"{ends.total():,} requests: {(await standing(at)).told()}")
            after = await standing(at, fresh)
            return Soak(fresh._replace(mb=full.mb), after, ends, at.log.read_text("utf-8").count(" bug="))


async def _abuse(at: Stack, seconds: float, dice: random.Random) -> Counter[str]:
    """How requests ended. Connections are closed behind it."""
    headers = {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:
        rabble = Rabble(at, session, dice)
        await rabble.ask(seconds)
        return rabble.ends


async def standing(at: Stack, base: Standing | None = None) -> Standing:
    """Once nothing goes on. What is more than at `base` has a while to go."""
    most = base or Standing(sys.maxsize, sys.maxsize, 0.0)
    until = time.monotonic() + REST_S
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session:
        while True:
            async with session.get(at.server.removesuffix("/v1") + "/metrics") as response:
                gauges = dict(re.findall(r"^fusion_(\w+) (\d+)$", await response.text(), re.MULTILINE))
            idle = gauges["runs_in_flight"] == gauges["runs_waiting"] == "0"
            found = Standing(int(gauges["tasks"]), _files(at.pid), rss_mb(at.pid))
            if (idle and found.tasks <= most.tasks and found.files <= most.files) or time.monotonic() > until:
                return found
            await asyncio.sleep(0.5)


def _files(pid: int) -> int:
    return len([*Path(f"/proc/{pid}/fd").iterdir()])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="does the server grow under abuse?")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=7)
    told = parser.parse_args(arguments)
    found = asyncio.run(soak(told.seconds, random.Random(told.seed), print))
    print(f"{sum(found.ends.values()):,} requests in {told.seconds:g} s: {dict(found.ends)}")
    print(f"before: {found.before.told()}", f"after: {found.after.told()}", *found.wrong, sep="\n")
    return int(bool(found.wrong))


if __name__ == "__main__":
    sys.exit(main())
