"""Every upstream fault of the sim hits a proposer, the judge and the writer, streamed and not: the client sees what the
wire contract says (section 4), nothing hangs, no failure looks like an answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fusion_graph.errors import Transient
from fusion_graph.messages import Message, Sampling
from fusion_graph.providers._sim.faults import FAULTS, PREFIX, Fault
from fusion_graph.providers.sim import Script
from tests.loopback import read_stream
from tests.server.stand import HASTY, UPSTREAM_KEY, Stand, events_of, stand, text_of
from tests.server.struck import NODES, hit, pipeline
from tests.server.wires import WIRES

ALONE = """
version: 1
name: alone
params:
  model: {type: string, default: w/w}
defaults: {retry: {attempts: 1}, max_tokens: 100TIMEOUT}
nodes: {answer: {kind: proposer, model: $model}}
output: answer
"""
DRAFTS = ("Draft of a.", "Draft of b.")


def alone(fault: Fault) -> str:
    """Impatient where the fault is to hang."""
    return ALONE.replace("TIMEOUT", f", timeout: {HASTY}" if fault.reason.startswith("timeout") else "")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", FAULTS)
async def test_client_sees_what_the_contract_says(name: str) -> None:
    cases = [(role, stream) for role in NODES for stream in (False, True)]
    async with asyncio.timeout(30):
        await asyncio.gather(*(check(name, role, stream=stream) for role, stream in cases))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.reason])
async def test_failure_without_a_way_out_is_no_answer(name: str, stream: bool) -> None:
    # wire 1.6: an upstream's 401 never becomes ours, and clients are told not to buy it again
    async with (
        asyncio.timeout(10),
        stand(None, alone(FAULTS[name])) as at,
        at.post(model="alone", stream=stream, fusion={"model": f"{PREFIX}{name}"}) as response,
    ):
        text = await read_stream(response)
        limited = FAULTS[name].reason == "rate_limited"
        if response.status == 200:  # content had begun
            assert stream
            events = events_of(text)
            assert "[DONE]" not in events
            error = events[-1]["error"]
        else:
            error = json.loads(text)["error"]
            assert response.status == (429 if limited else 502)
            assert "Retry-After" in response.headers
            assert response.headers.get("x-should-retry") == (None if limited else "false")
    assert set(error) == {"message", "type", "param", "code", "fusion"}
    assert error["fusion"]["nodes"] == {"answer": FAULTS[name].reason}
    assert UPSTREAM_KEY not in text


async def test_a_wait_that_the_upstream_asked_for_is_passed_on() -> None:
    # wire 1.6: the longest of them, and never more than two minutes
    nodes = "{panel: {kind: layer, models: [a/x, b/y, w/w]}, answer: {kind: fallback, inputs: [panel]}}"
    pipeline = f"version: 1\nname: busy\ndefaults: {{retry: {{attempts: 1}}}}\nnodes: {nodes}\noutput: answer\n"

    def busy(seconds: float | None) -> Transient:
        return Transient("rate_limited", status=429, retry_after_s=seconds)

    for waits, told in (((7.2, 31.0, None), "31"), ((3.0, 900.0, 5.0), "120"), ((None, None, None), "5")):
        script: Script = dict(zip(("a/x", "b/y", "w/w"), map(busy, waits), strict=True))
        async with stand(script, pipeline) as at, at.post(model="busy") as response:
            assert (response.status, response.headers["Retry-After"]) == (429, told)


@pytest.mark.usefixtures("impatient")
async def test_whole_reply_is_not_lost_to_a_timer() -> None:
    # wire 1.3: what is awaited after the finish reason are counts; an upstream that hangs there has answered
    impatient = ALONE.replace("TIMEOUT", ", timeout: {first_token_s: 5.0, idle_s: 0.1, total_s: 5.0}")
    async with stand(None, impatient) as at:
        status, body = await at.ask(model="alone", fusion={"model": f"{PREFIX}hang-finish"})
    assert status == 200
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["fusion"]["cost_estimated"]
    assert body["fusion"]["degraded"] == []


@pytest.mark.parametrize("wire", WIRES)
async def test_a_key_that_was_refused_is_said_for_good_also_without_a_call(wire: str) -> None:
    """The first run asks and is refused; no call of the second one leaves. Both say why, and clients send neither
    again."""
    async with stand(None, pipeline("proposer", "401", strict=True)) as at:
        for question in ("Why?", "And why that?"):
            body = WIRES[wire].write("struck", (Message("user", question),), Sampling(max_tokens=10))
            body["fusion"] = hit("proposer", "401")
            async with at.session.post(at.url(WIRES[wire].path), json=body) as response:
                told = WIRES[wire].whole(await response.json())
            assert response.status == {"chat": 502, "messages": 500, "responses": 400}[wire]
            assert response.headers["x-should-retry"] == "false"
            assert told.error is not None
            assert told.error["message"].endswith(": auth_failed")
            assert told.error.get("code", "auth_failed") == "auth_failed"
        assert {request.body["messages"][-1]["content"] for request in at.upstream.received} <= {"Why?"}


async def check(name: str, role: str, *, stream: bool) -> None:
    """In a stand of its own: a refused key is remembered."""
    async with stand(None, pipeline(role, name)) as at:
        await ask(at, name, role, stream=stream)
        await at.settled()
        assert at.upstream.trapped == 0
        assert UPSTREAM_KEY not in at.log_text


async def ask(at: Stand, name: str, role: str, *, stream: bool) -> None:
    async with at.post(model="struck", stream=stream, fusion=hit(role, name)) as response:
        text = await read_stream(response)
        assert response.status == 200, text
        assert UPSTREAM_KEY not in text
    if not stream:
        body = json.loads(text)
        told(body["fusion"], NODES[role], FAULTS[name], body["choices"][0]["message"]["content"])
        return
    events = events_of(text)
    if "error" not in events[-1]:
        block = next(event["fusion"] for event in reversed(events[:-1]) if "fusion" in event)
        told(block, NODES[role], FAULTS[name], text_of(events[:-1]))
        return
    assert role == "synthesizer"
    assert FAULTS[name].reason
    assert text_of(events[:-1])  # its words had begun: nothing else is put in their place
    assert all(c["finish_reason"] is None for e in events[:-1] for c in e["choices"])


def told(block: dict[str, Any], hit: str, fault: Fault, said: str | None) -> None:
    """The block says what became of the node that was hit, and the text is an answer."""
    node = next(node for node in block["nodes"] if node["name"] == hit)
    if fault.reason:
        assert (node["state"], node["reason"]) == ("failed", fault.reason)
        assert hit in [entry["node"] for entry in block["degraded"]]
        spared = hit != "answer" and fault.reason != "auth_failed"  # no call goes out with a key that was refused
        assert said in (("The written answer.",) if spared else DRAFTS)
    elif hit != "answer":
        assert said == "The written answer."
