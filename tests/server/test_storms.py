"""Every upstream fault hits a proposer, the judge or the writer of a pipeline that cannot do without them, on every
wire, whole and streamed, with and without tools, and clients send again as they do: what was answered is bought once,
what fails a few times, and no failure looks like an answer (wire contract 1.7)."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import product
from typing import NamedTuple

import pytest

from fusion_graph.messages import Message, Sampling
from fusion_graph.providers._sim.faults import FAULTS, PREFIX
from fusion_graph.server._failures import Failures
from tests.server.stand import Stand, stand
from tests.server.struck import STRICT_ATTEMPTS, hit, pipeline
from tests.server.stubborn import CLIENTS, Clock, Ending
from tests.server.wires import WIRES, tool

SLOW = ("429-wait", "503-wait")
"""As those without a wait, but a second each."""
STATUSES = {"chat": {429, 502}, "messages": {429, 500}, "responses": {400, 429, 502}}
"""Of failed runs (wire contract 1.6)."""
HEALTHY: dict[str, tuple[str, ...]] = {
    "proposer": ("b/y",),
    "judge": ("a/x", "b/y"),
    "synthesizer": ("a/x", "b/y", "j/j"),
}
"""The models that answer, and are needed before the one that is hit."""


class Way(NamedTuple):
    wire: str
    stream: bool
    tools: bool


WAYS = [Way(*way) for way in product(WIRES, (False, True), (False, True))]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("role", HEALTHY)
@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in SLOW])
async def test_a_failed_run_does_not_become_thirty(fault: str, role: str) -> None:
    await asyncio.gather(*(insist(fault, role, way) for way in WAYS))


async def insist(fault: str, role: str, way: Way) -> None:
    clock: Clock = [0.0]
    async with stand(None, pipeline(role, fault, strict=True)) as at:
        at.server.service.failures = Failures(lambda: clock[0])
        sampling = Sampling(max_tokens=10, tools=(tool(),) if way.tools else ())
        body = WIRES[way.wire].write("struck", (Message("user", "Why?"),), sampling)
        body |= {"stream": way.stream, "fusion": hit(role, fault)}
        ending: Ending = await CLIENTS[way.wire](at, body, clock)
        await at.settled()
    check(at, fault, role, way, ending)


def check(at: Stand, fault: str, role: str, way: Way, ending: Ending) -> None:
    bought = Counter(request.body["model"] for request in at.upstream.received)
    failed = bought.pop(f"{PREFIX}{fault}", 0)
    reason, told = FAULTS[fault].reason, ending.reply.told
    if told.error is None:
        assert not reason or (fault == "tools-unasked" and way.tools)
        assert told.text.strip() or told.calls
        assert ending.reply.status == 200
    else:
        assert ending.reply.status in ({200} if ending.reply.streamed else STATUSES[way.wire])
    if reason not in ("auth_failed", "insufficient_credits"):  # then no further call goes out on that account
        assert all(bought[model] <= (2 if role == "proposer" else 1) for model in HEALTHY[role]), bought
    limited = reason == "rate_limited"
    runs = {"chat": 3 if limited else 1, "messages": 4 if limited else 2, "responses": 6 if limited else 2}[way.wire]
    connections = 2 if reason == "connect_error" else 1  # one that was used before is replaced
    assert failed <= runs * STRICT_ATTEMPTS * connections
    assert ending.requests <= (6 if limited else 3)
