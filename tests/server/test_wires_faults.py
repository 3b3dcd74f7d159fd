"""Every upstream fault on every wire, whole and streamed, with and without tools: the documented status or terminal
event, never a silent success, and no more calls upstream than the pipeline allows (wire contract 1.6, 4)."""

from __future__ import annotations

import asyncio
import json
from itertools import product
from typing import Any, NamedTuple

import pytest

from fusion_graph.messages import Message, Sampling
from fusion_graph.providers._sim.faults import FAULTS
from fusion_graph.server._errors import PERMANENT
from tests.loopback import read_stream
from tests.server.stand import UPSTREAM_KEY, stand
from tests.server.wires import WIRES, Told, tool

TWICE = """
version: 1
name: twice
defaults: {retry: {attempts: 2, backoff_s: 0.0}, timeout: {first_token_s: WAIT, idle_s: WAIT, total_s: WAIT}}
nodes: {answer: {kind: proposer, model: w/w}}
output: answer
"""
EMPTY = {"filter", "refusal"}
"""Replies that are whole, and say nothing."""


class Way(NamedTuple):
    wire: str
    stream: bool
    tools: bool


WAYS = [Way(*way) for way in product(WIRES, (False, True), (False, True))]


def ways(fault: str) -> list[Way]:
    """Replies with tool calls are for those who offered tools, or for those who did not."""
    if not fault.startswith("tools"):
        return WAYS
    return [way for way in WAYS if way.tools != (fault == "tools-unasked")]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", FAULTS)
async def test_fault_is_said_on_every_wire(fault: str) -> None:
    await asyncio.gather(*(meet(fault, way) for way in ways(fault)))


async def meet(fault: str, way: Way) -> None:
    wire = WIRES[way.wire]
    sampling = Sampling(max_tokens=10, tools=(tool(),) if way.tools else ())
    body = {**wire.write("twice", (Message("user", "Why?"),), sampling), "stream": way.stream}
    wait = "1.0" if FAULTS[fault].reason.startswith("timeout") else "30"
    async with stand(None, TWICE.replace("WAIT", wait)) as at:
        at.upstream.faults["w/w"].extend([fault] * 4)
        async with at.session.post(at.url(wire.path), json=body) as response:
            status, headers, text = response.status, response.headers, await read_stream(response)
        await at.settled()
        calls = len(at.upstream.received)
    assert UPSTREAM_KEY not in text
    streamed = headers["Content-Type"].startswith("text/event-stream")
    told = wire.stream(text) if streamed else wire.whole(json.loads(text))
    reason = "content_filter" if fault in EMPTY else FAULTS[fault].reason
    broken = fault == "tools-bad"  # asked for again while nobody has seen it; Messages cannot say it at all
    if not reason and not (broken and (way.wire == "messages" or not way.stream)):
        succeeded(fault, status, told)
    elif streamed:
        assert told.error is not None
    else:
        check_error(reason or "invalid_output", way.wire, status, headers, told)
    if told.text and FAULTS[fault].transient:  # an attempt whose text never left may still have been replaced
        assert calls in (1, 2)
    else:
        assert calls == (2 if FAULTS[fault].transient or (broken and not way.stream) else 1)


def succeeded(fault: str, status: int, told: Told) -> None:
    assert (status, told.error) == (200, None)
    assert told.text.strip() or told.calls
    assert (told.reason == "tool_calls") == bool(told.calls)
    if fault in ("length", "runaway"):
        assert told.reason == "length"


def check_error(reason: str, wire: str, status: int, headers: Any, told: Told) -> None:
    """The table of wire contract 1.6."""
    assert told.error is not None
    assert told.error["message"]
    if reason == "rate_limited":
        assert status == 429
        assert told.error["type"] == ("rate_limit_error" if wire == "messages" else "rate_limit_exceeded")
        assert "Retry-After" in headers
        return
    assert status == {"chat": 502, "messages": 500, "responses": 400 if reason in PERMANENT else 502}[wire]
    assert headers["x-should-retry"] == "false"
    if wire == "messages":
        assert told.error["type"] == "api_error"
    elif reason in PERMANENT:
        assert told.error["code"] == reason
