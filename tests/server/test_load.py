"""Many clients at once. Clients of every bad kind for a while: tests/test_soak.py."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path

import pytest

from fusion_graph.providers.sim import Script
from tests.server.stand import ONE, stand, text_of

WORDS = tuple(f"word{i} " for i in range(20))
PAGE = os.sysconf("SC_PAGE_SIZE")


def memory_mb() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE / 1e6


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
