"""Every upstream fault hits a proposer, the judge or the writer of a pipeline that cannot do without them, on every
wire, and clients send again as they do: what was answered is bought once, what fails a few times, and no failure looks
like an answer (wire contract 1.7)."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import product
from typing import NamedTuple

import pytest

from fusion_graph.messages import Message, Sampling
from fusion_graph.providers._sim_faults import FAULTS, PREFIX
from fusion_graph.server._failures import Failures
from tests.server.stand import Stand, stand
from tests.server.stubborn import CLIENTS, Clock, Ending
from tests.server.wires import WIRES, tool

STRICT = """
version: 1
name: strict
params:
  proposer: {type: string, default: a/x}
  judge: {type: string, default: j/j}
  synthesizer: {type: string, default: w/w}
defaults: {retry: {attempts: 2, backoff_s: 0.0}, max_tokens: 100}
nodes:
  first: {kind: proposer, model: $proposer}
  second: {kind: proposer, model: b/y}
  panel: {kind: layer, members: [first, second], quorum: 2}
  verdict: {kind: judge, model: $judge, inputs: [panel], repair: 0}
  answer: {kind: synth, model: $synthesizer, inputs: [panel, verdict]}
output: answer
"""
HANGS = "timeout: {first_token_s: 0.4, idle_s: 0.4, total_s: 0.8}, retry: {attempts: 1}, "
ATTEMPTS = 2
SLOW = ("429-wait", "503-wait")
"""As those without a wait, but a second each."""
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


def ways(role: str) -> list[Way]:
    """Every way for the writer. Tools are the writer's alone, and the others fail before a word of the answer."""
    if role == "synthesizer":
        return [Way(*way) for way in product(WIRES, (False, True), (False, True))]
    return [Way(wire, stream=True, tools=False) for wire in WIRES]


@pytest.mark.parametrize("role", HEALTHY)
@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in SLOW])
async def test_a_failed_run_does_not_become_thirty(fault: str, role: str) -> None:
    await asyncio.gather(*(insist(fault, role, way) for way in ways(role)))


def patient(fault: str, role: str) -> str:
    """The pipeline; a node that is to hang is given up soon."""
    hangs = FAULTS[fault].reason.startswith("timeout")
    return STRICT.replace(f"model: ${role}", f"{HANGS}model: ${role}") if hangs else STRICT


async def insist(fault: str, role: str, way: Way) -> None:
    clock: Clock = [0.0]
    async with stand(None, patient(fault, role)) as at:
        at.server.service.failures = Failures(lambda: clock[0])
        sampling = Sampling(max_tokens=10, tools=(tool(),) if way.tools else ())
        body = WIRES[way.wire].write("strict", (Message("user", "Why?"),), sampling)
        body |= {"stream": way.stream, "fusion": {role: f"{PREFIX}{fault}"}}
        ending: Ending = await CLIENTS[way.wire](at, body, clock)
        await at.settled()
    check(at, fault, role, way, ending)


def check(at: Stand, fault: str, role: str, way: Way, ending: Ending) -> None:
    bought = Counter(request.body["model"] for request in at.upstream.received)
    hit = bought.pop(f"{PREFIX}{fault}", 0)
    error = ending.reply.told.error
    if error is None:
        assert ending.reply.told.text.strip() or ending.reply.told.calls
        assert ending.reply.status == 200
    reason = FAULTS[fault].reason
    if reason not in ("auth_failed", "insufficient_credits"):  # then no further call goes out on that account
        assert all(bought[model] <= (2 if role == "proposer" else 1) for model in HEALTHY[role]), bought
    limited = reason == "rate_limited"
    runs = {"chat": 3 if limited else 1, "messages": 4 if limited else 2, "responses": 6 if limited else 2}[way.wire]
    tries = ATTEMPTS * 2 if reason == "connect_error" else ATTEMPTS  # a connection that was used before is replaced
    assert hit <= runs * tries
    assert ending.requests <= (6 if limited else 3)
