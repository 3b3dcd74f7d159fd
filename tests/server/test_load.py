"""Many clients at once, and clients of every bad kind for a while: nothing grows, nothing is left behind. `make soak`
runs the long one."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import os
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import pytest

from fusion_graph.providers.sim import Script
from fusion_graph.server._auth import Key, digest_of
from fusion_graph.server._limits import Account
from tests.server.stand import ONE, PANEL, Stand, hasty, stand, text_of

SECONDS = float(os.environ.get("SOAK_S", "4"))
WORDS = tuple(f"word{i} " for i in range(20))
PAGE = os.sysconf("SC_PAGE_SIZE")
FAULTS = ("500", "cut", "reset", "html", "blank", "429", "stall", "stall-mid", "drip", "error-event", "bad-json")
RAW = "k" * 20
RICH = Key(name="rich", digest=digest_of(RAW), budget_usd_per_day=1e6)


def memory_mb() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE / 1e6


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.timeout(300)
async def test_a_thousand_streams_at_once() -> None:
    gate = asyncio.Event()
    script: Script = {"w/w": (WORDS[0], gate, *WORDS[1:])}
    async with stand(script, ONE, max_runs=1000) as at:
        before = memory_mb()
        asking = [asyncio.create_task(at.stream(model="one")) for _ in range(1000)]
        await at.upstream.sim.called("w/w", 1000)
        assert at.server.service.admission.running == 1000
        held = memory_mb() - before
        gate.set()
        texts = {text_of(events) for events in await asyncio.gather(*asking)}
        await at.settled()
    assert texts == {"".join(WORDS)}
    assert held < 250  # both ends, the upstream's too, and the clients: a quarter of a megabyte each


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files the Linux way")
@pytest.mark.timeout(SECONDS * 3 + 60)
async def test_soak_returns_to_base() -> None:
    # security 20
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # the upstream's: its clients leave all the time
    script: Script = {"w/w": (*WORDS[:5], 0.01, *WORDS[5:])}
    limits: dict[str, Any] = {"write_s": 0.3, "max_runs": 64, "max_queue": 16, "queue_s": 0.5}
    base, after, ends, account = await soaked(script, {**limits, "log": Unread()})
    told = f"tasks, files, MB: {base} -> {after}; {sum(ends.values())} requests in {SECONDS:g} s: {dict(ends)}"
    sys.stdout.write(f"\nsoak: {told}\n")
    assert after[0] == base[0]
    assert after[1] <= base[1] + 2
    assert after[2] < base[2] * 1.1 + 15
    assert (account.running, round(account.reserved, 9)) == (0, 0.0)
    assert ends["200"], told
    assert "500" not in ends, told


class Unread(io.StringIO):
    """A log that keeps nothing: what a test collects must not count."""

    def write(self, text: str) -> int:
        return len(text)


Standing: TypeAlias = tuple[int, int, float]


async def soaked(script: Script, limits: dict[str, Any]) -> tuple[Standing, Standing, Counter[str], Account]:
    """How things stand after a while and after a long while, how requests ended, and what the key has going on."""
    async with stand(script, hasty(PANEL), hasty(ONE), keys=[RICH], raw_key=RAW, **limits) as at:
        await rough(at, min(SECONDS / 4, 20))
        base = await standing(at)
        ends = await rough(at, SECONDS)
        after = await standing(at)
        return base, after, ends, at.server.service.limits.account(RICH)


async def rough(at: Stand, seconds: float) -> Counter[str]:
    """Clients that stay, leave early, leave late, ask for nonsense, while the upstream fails or hangs now and then.
    Returns how their requests ended."""
    dice = random.Random(7)
    until = asyncio.get_running_loop().time() + seconds
    ends = Counter[str]()

    async def client() -> None:
        while asyncio.get_running_loop().time() < until:
            if dice.random() < 0.1:
                at.upstream.faults["*"].append(dice.choice(FAULTS))
            asked = [{"role": "user", "content": f"Why {dice.randrange(10**5)}?"}]  # the same again is answered quickly
            name = dice.choice(["fusion", "one", "one", "one", "none"])
            body = {"model": name, "stream": dice.random() < 0.6, "messages": asked}
            patience = dice.choice([0.005, 0.02, 5.0, 5.0])
            try:
                async with asyncio.timeout(patience), at.post(body) as response:
                    await response.read()
                    ends[str(response.status)] += 1
            except (TimeoutError, aiohttp.ClientError):
                ends["left"] += 1

    await asyncio.gather(*(client() for _ in range(16)))
    at.upstream.faults.clear()
    return ends


async def standing(at: Stand) -> Standing:
    """Tasks, open files and megabytes when nothing goes on."""
    await at.settled()
    at.upstream.received.clear()
    at.upstream.sim.received.clear()
    at.upstream.sim.cancelled.clear()
    await asyncio.sleep(0.5)
    assert at.server.service.admission.waiting == 0
    for _ in range(3):
        await asyncio.gather(*(at.ask(model="one") for _ in range(16)))
    await at.settled()
    return len(asyncio.all_tasks()) - at.server.connections, open_files(), round(memory_mb(), 1)
