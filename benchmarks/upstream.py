"""The HTTP provider against bare aiohttp over a loopback socket: CPU on this side of it, and new connections.

As a program it is the upstream: prints its port, answers every call from memory, and ends when it is told to.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from benchmarks import bare, shapes
from benchmarks.measure import Row, duel
from benchmarks.models import DRAFT, JUDGE, QUESTION, VERDICT, ignore, open_engine
from fusion_graph.contracts import Backend, Client, Sink
from fusion_graph.engine.request import ask
from fusion_graph.messages import Call, Completion, Message, Sampling
from fusion_graph.providers.openai import open_client

ROOT = Path(__file__).parents[1]
CHUNKS, PACE_S = 200, 0.002
ONE = Call("bench/m", (Message("user", QUESTION),), Sampling())


def rows(*, quick: bool) -> Iterator[Row]:
    command = [sys.executable, "-m", "benchmarks.upstream"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = f"http://127.0.0.1:{int(server.stdout.readline())}"
        turns, calls = (1, 4) if quick else (11, 200)
        yield asyncio.run(_json(address, turns, calls))
        yield asyncio.run(_stream(address, "burst", turns, calls // 4, (1.1, 1.35)))
        yield asyncio.run(_stream(address, "paced", turns, calls // 4, (1.05, 1.2)))
        yield from asyncio.run(_fusion(address, turns, calls // 4))
    finally:
        server.terminate()
        server.communicate()


async def _json(address: str, turns: int, calls: int) -> Row:
    """One call after the other."""
    async with _clients(f"{address}/json", stream=False) as (ours, theirs):
        programs = (lambda: ours.complete(ONE, ignore)), (lambda: theirs.complete(ONE, ignore))
        found = await duel(*programs, turns=turns, times=calls)
    return Row(subject="HTTP, a JSON reply", measured=found.ratio, goal=1.1, gate=1.25, note=found.told(calls, "call"))


async def _stream(address: str, pace: str, turns: int, calls: int, bounds: tuple[float, float]) -> Row:
    """All chunks in one burst, a call after the other; or one chunk every 2 ms, all calls side by side."""
    async with _clients(f"{address}/{pace}", stream=True) as (ours, theirs):
        programs = (lambda: ours.complete(ONE, ignore)), (lambda: theirs.complete(ONE, ignore))
        found = await duel(*programs, turns=turns, times=calls, at_once=calls if pace == "paced" else 1)
    return Row(
        subject=f"HTTP, a stream of {CHUNKS} chunks, {pace}",
        measured=found.ratio,
        goal=bounds[0],
        gate=bounds[1],
        note=found.told(calls * CHUNKS, "chunk"),
    )


async def _fusion(address: str, turns: int, runs: int) -> list[Row]:
    """A whole panel, and whether its connections are kept."""
    models = shapes.names(4)
    bound = shapes.panel(models)
    async with _clients(f"{address}/json", stream=False) as (ours, theirs):
        engine = open_engine(ours)

        async def fuse() -> None:
            await engine.run(bound, ask(QUESTION))

        await fuse()
        before = await _seen(address)
        for _ in range(runs):
            await fuse()
        after = await _seen(address)
        found = await duel(fuse, lambda: bare.panel(theirs, QUESTION, models), turns=turns, times=runs)
    made, opened = (after["calls"] - before["calls"]) / (5 * runs), after["connections"] - before["connections"]
    told = found.told(5 * runs, "call")
    subject = "HTTP, 3 drafts, judge, synth"
    return [
        Row(subject=subject, measured=found.ratio, goal=1.1, gate=1.25, note=told),
        Row(subject=f"{subject}: calls, over the plan's", measured=made, goal=1, gate=1),
        Row(subject=f"{subject}: new connections", measured=opened, goal=0, gate=0, unit=""),
    ]


async def _seen(address: str) -> Mapping[str, int]:
    async with aiohttp.request("GET", f"{address}/seen") as response:
        seen: Mapping[str, int] = await response.json()
        return seen


# --- the two clients --------------------------------------------------------------------------------------------------


class Bare:
    """A call as somebody writes it by hand: post, read, look into the JSON."""

    def __init__(self, address: str, *, stream: bool) -> None:
        self._url = f"{address}/chat/completions"
        self._stream = stream
        self._session = aiohttp.ClientSession()

    async def complete(self, call: Call, _sink: Sink) -> Completion:
        messages = [{"role": m.role, "content": m.content} for m in call.messages]
        body: dict[str, Any] = {"model": call.model, "messages": messages, "stream": self._stream}
        if call.sampling.response_format is not None:
            body |= {"temperature": 0, "response_format": call.sampling.response_format}
        async with self._session.post(self._url, json=body) as response:
            if self._stream:
                return Completion(text="".join([piece async for piece in _pieces(response)]))
            reply = json.loads(await response.read())
            return Completion(text=reply["choices"][0]["message"]["content"], model=reply["model"])

    async def aclose(self) -> None:
        await self._session.close()


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[str]:
    rest = b""
    async for read in response.content.iter_any():
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            if line.startswith(b"data: {"):
                for choice in json.loads(line[6:])["choices"]:
                    yield choice["delta"].get("content") or ""


@asynccontextmanager
async def _clients(address: str, *, stream: bool) -> AsyncIterator[tuple[Client, Client]]:
    ours = open_client(Backend(name="bench", base_url=address, options={"stream": stream}))
    theirs = Bare(address, stream=stream)
    try:
        yield ours, theirs
    finally:
        await ours.aclose()
        await theirs.aclose()


# --- the upstream -----------------------------------------------------------------------------------------------------


class Upstream:
    """Says the same to everybody, and counts."""

    def __init__(self) -> None:
        self._calls = 0
        self._peers: set[object] = set()
        self._draft, self._verdict = _whole(DRAFT), _whole(VERDICT)
        head, *words = DRAFT.text.split(" ")
        pieces = [head, *(f" {words[n % len(words)]}" for n in range(CHUNKS - 1))]
        self._chunks = [_event({"choices": [{"index": 0, "delta": {"content": piece}}]}) for piece in pieces]
        self._chunks.append(_event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
        self._chunks.append(b"data: [DONE]\n\n")

    def app(self) -> web.Application:
        made = web.Application()
        made.router.add_get("/seen", self.seen)
        for pace in ("json", "burst", "paced"):
            made.router.add_post(f"/{pace}/chat/completions", getattr(self, pace))
        return made

    async def seen(self, _request: web.Request) -> web.Response:
        return web.json_response({"calls": self._calls, "connections": len(self._peers)})

    async def json(self, request: web.Request) -> web.Response:
        self._calls += 1
        self._peers.add(request.transport and request.transport.get_extra_info("peername"))
        judged = JUDGE.encode() in await request.read()
        return web.Response(body=self._verdict if judged else self._draft, content_type="application/json")

    async def burst(self, request: web.Request) -> web.StreamResponse:
        response = await self._open(request)
        await response.write(b"".join(self._chunks))
        return response

    async def paced(self, request: web.Request) -> web.StreamResponse:
        response = await self._open(request)
        for chunk in self._chunks:
            await response.write(chunk)
            await asyncio.sleep(PACE_S)
        return response

    async def _open(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        return response


def _whole(completion: Completion) -> bytes:
    message = {"role": "assistant", "content": completion.text}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    usage = {"prompt_tokens": 300, "completion_tokens": 40, "total_tokens": 340}
    body = {"id": "1", "object": "chat.completion", "model": completion.model, "choices": [choice], "usage": usage}
    return json.dumps(body).encode()


def _event(body: Mapping[str, Any]) -> bytes:
    whole = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": DRAFT.model, **body}
    return b"data: " + json.dumps(whole).encode() + b"\n\n"


async def _serve() -> None:
    runner = web.AppRunner(Upstream().app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
