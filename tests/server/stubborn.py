"""Clients that send again, each as its program does (wire contract 1.7; Codex as measured with a stock configuration).
What they wait passes on a clock of the test's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.loopback import read_stream
from tests.server.stand import Stand
from tests.server.wires import WIRES, Body, Told

LIMIT = 3  # replays of a client that has no end of its own in reach of a test
FINAL_CODES = frozenset({"invalid_prompt", "insufficient_quota", "context_length_exceeded", "server_is_overloaded"})


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    told: Told
    streamed: bool


class Ending(NamedTuple):
    """What a client ends with, and how often it asked."""

    reply: Reply
    requests: int


Clock = list[float]
Client = Callable[[Stand, Body, Clock], Any]


async def send(at: Stand, wire: str, body: Body) -> Reply:
    async with at.session.post(at.url(WIRES[wire].path), json=body) as response:
        streamed = response.headers["Content-Type"].startswith("text/event-stream")
        text = await (read_stream(response) if streamed else response.text())
        told = WIRES[wire].stream(text) if streamed else WIRES[wire].whole(json.loads(text))
        return Reply(response.status, response.headers, told, streamed)


def pause(reply: Reply, clock: Clock, otherwise: float) -> None:
    clock[0] += float(reply.headers.get("Retry-After", otherwise))


async def openai_sdk(at: Stand, body: Body, clock: Clock) -> Ending:
    """Twice more, unless it is told not to."""
    requests = 0
    while requests < 3:
        reply = await send(at, "chat", body)
        requests += 1
        again = reply.status in (408, 409, 429) or reply.status >= 500
        if not again or reply.headers.get("x-should-retry") == "false":
            break
        pause(reply, clock, 0.5)
    return Ending(reply, requests)


async def claude_code(at: Stand, body: Body, clock: Clock) -> Ending:
    """A failed stream is sent again without streaming; 429 and 529 to its limit."""
    requests = 0
    while requests <= LIMIT:
        reply = await send(at, "messages", body)
        requests += 1
        if reply.streamed and reply.told.error is not None:
            body = {**body, "stream": False}
            continue
        kept = reply.headers.get("x-should-retry") == "false" and reply.status != 529
        if kept or reply.status not in (401, 429, 529, 500, 502, 503, 504):
            break
        pause(reply, clock, 1.0)
    return Ending(reply, requests)


async def codex(at: Stand, body: Body, clock: Clock) -> Ending:
    """Stock: five requests for each of six streams, unless what it is told is final."""
    requests, stream = 0, 0
    while stream < 6:
        for _ in range(5):
            reply = await send(at, "responses", body)
            requests += 1
            if reply.status < 500:
                break
            pause(reply, clock, 0.2)
        if _is_final(reply):
            break
        stream += 1
        pause(reply, clock, 0.2 * 2**stream)
    return Ending(reply, requests)


def _is_final(reply: Reply) -> bool:
    error = reply.told.error
    if error is None:
        return reply.told.reason != "content_filter"
    if not reply.streamed:
        return reply.status == 400 or error["code"] == "insufficient_quota"
    return error["code"] in FINAL_CODES


CLIENTS: Mapping[str, Client] = {"chat": openai_sdk, "messages": claude_code, "responses": codex}
