"""The server beside bare aiohttp that makes the same calls: CPU, seconds, latency and memory, at several numbers of
connections; and the CPU of a streamed answer. Each server is a process of its own, as is the upstream, which answers at
once.

`python -m benchmarks.server NAME PORT...` is one of the programs: upstream, ours, bare.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import Row

MODELS = ("a/x", "b/y", "c/z")
DRAFT = "A draft of some length that says something about the question, as drafts do. " * 4
VERDICT = {"consensus": ["yes"], "contradictions": [], "partial_coverage": [], "unique_insights": [], "blind_spots": []}
PANEL = {
    "version": 1,
    "name": "fusion",
    "nodes": {
        "panel": {"kind": "layer", "models": list(MODELS)},
        "verdict": {"kind": "judge", "model": "j/j", "inputs": ["panel"]},
        "answer": {"kind": "synth", "model": "w/w", "inputs": ["panel", "verdict?"]},
    },
    "output": "answer",
}
ALONE = {"version": 1, "name": "one", "nodes": {"answer": {"kind": "proposer", "model": "w/w"}}, "output": "answer"}
CHUNKS = 200
TICKS = os.sysconf("SC_CLK_TCK")


# --- the programs -----------------------------------------------------------------------------------------------------


def event(delta: Mapping[str, Any] | None, finish: str | None = None, **more: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    head = {"id": "up", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": choices}
    return b"data: " + json.dumps({**head, **more}).encode() + b"\n\n"


def upstream(port: int) -> None:
    """Answers every call at once, from ready-made bytes."""
    count = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    tail = event({}, "stop") + event(None, usage=count) + b"data: [DONE]\n\n"
    short = event({"role": "assistant", "content": ""}) + event({"content": DRAFT}) + tail
    verdict = event({"role": "assistant", "content": ""}) + event({"content": json.dumps(VERDICT)}) + tail
    long = b"".join(event({"content": f"word{i} "}) for i in range(CHUNKS)) + tail
    replies = {"j/j": verdict, "long": long}

    class Upstream(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport, self.data = transport, b""

        def data_received(self, data: bytes) -> None:
            self.data += data
            while (end := self.data.find(b"\r\n\r\n")) >= 0:
                head = self.data[:end].lower()
                size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
                if len(self.data) < end + 4 + size:
                    return
                body, self.data = json.loads(self.data[end + 4 : end + 4 + size]), self.data[end + 4 + size :]
                model = "long" if body["messages"][-1]["content"] == "long" else body["model"]
                reply = replies.get(model, short)
                line = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(reply)
                self.transport.write(line + reply)  # type: ignore[attr-defined]

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=1024)
        print("ready", flush=True)
        await server.serve_forever()

    asyncio.run(serve())


def ours(port: int, upstream_port: int) -> None:
    """The server as it is started by hand, with metrics and its log."""
    from fusion_graph.contracts import Backend
    from fusion_graph.engine.fusion import Fusion
    from fusion_graph.engine.pricing import Prices
    from fusion_graph.providers import PROVIDERS
    from fusion_graph.server._app import open_server, serve
    from fusion_graph.server._logs import Log
    from fusion_graph.server._options import ServerOptions
    from fusion_graph.server._pipelines import Library, Source, Surroundings
    from fusion_graph.server._replay import remembering

    async def run() -> None:
        backend = Backend(name="up", base_url=f"http://127.0.0.1:{upstream_port}/v1", api_key="k")
        fusion = Fusion(
            providers=remembering(PROVIDERS), backends={"up": backend}, default_backend="up", prices=Prices.shipped()
        )
        sources = [Source(name, json.dumps(p).encode) for name, p in (("panel", PANEL), ("one", ALONE))]
        library = Library(lambda: sources, Surroundings())
        options = ServerOptions(port=port, max_runs=4096, log_json=True)
        with open(os.devnull, "w") as log:  # noqa: ASYNC230, PTH123 - a device
            server = await open_server(options, fusion=fusion, library=library, log=Log(log, as_json=True))
            await serve(server, lambda: print("ready", flush=True))

    asyncio.run(run())


def bare(port: int, upstream_port: int) -> None:
    """What somebody writes with aiohttp alone: the same five calls, the same prompts in kind; any failure is a 500."""
    import aiohttp
    from aiohttp import web

    url = f"http://127.0.0.1:{upstream_port}/v1/chat/completions"

    async def call(session: aiohttp.ClientSession, model: str, messages: list[Any]) -> str:
        body = {"model": model, "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
        async with session.post(url, json=body) as response:
            text = await response.text()
        parts = []
        for line in text.split("\n"):
            if line.startswith("data: {"):
                choices = json.loads(line[6:])["choices"]
                if choices:
                    parts.append(choices[0]["delta"].get("content", ""))
        return "".join(parts)

    async def answer(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        session, messages = request.app[key], asked["messages"]
        if asked.get("stream"):
            return await relay(request, session, asked)
        if asked["model"] == "one":
            text = await call(session, "w/w", messages)
        else:
            drafts = await asyncio.gather(*(call(session, model, messages) for model in MODELS))
            shown = "\n\n".join(f"Draft {i}:\n{draft}" for i, draft in enumerate(drafts))
            verdict = json.loads(await call(session, "j/j", [*messages, {"role": "user", "content": shown}]))
            last = {"role": "user", "content": f"{shown}\n\n{json.dumps(verdict)}\n\nWrite one answer."}
            text = await call(session, "w/w", [*messages, last])
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return web.json_response(
            {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        )

    async def relay(request: web.Request, session: aiohttp.ClientSession, asked: Any) -> web.StreamResponse:
        body = {**asked, "model": "w/w"}
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        async with session.post(url, json=body) as up:
            async for chunk in up.content.iter_any():
                await response.write(chunk)
        return response

    key = web.AppKey("session", aiohttp.ClientSession)

    async def run() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            app = web.Application()
            app[key] = session
            app.router.add_post("/v1/chat/completions", answer)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
            print("ready", flush=True)
            await asyncio.Event().wait()

    asyncio.run(run())


# --- measuring --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one server did under one load."""

    cpu_ms: float  # per request
    seconds: float  # of all requests
    p50_ms: float
    rss_mb: float


@contextmanager
def program(name: str, *ports: int) -> Iterator[int]:
    """Its process id, once it says it is ready."""
    command = [sys.executable, "-m", "benchmarks.server", name, *map(str, ports)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"ready"
        try:
            yield process.pid
        finally:
            process.kill()


async def load(port: int, pid: int, body: Mapping[str, Any], *, connections: int, requests: int) -> Load:
    """So many requests over so many connections, one after the other on each."""
    raw = json.dumps({"messages": [{"role": "user", "content": "Why?"}], **body}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(raw)}\r\n"
    request = f"{head}Content-Type: application/json\r\n\r\n".encode() + raw
    waits: list[float] = []

    async def one(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            began = time.perf_counter()
            writer.write(request)
            await _read_answer(reader)
            waits.append(time.perf_counter() - began)
        writer.close()

    cpu, began = _cpu_s(pid), time.perf_counter()
    await asyncio.gather(*(one(requests // connections) for _ in range(connections)))
    seconds = time.perf_counter() - began
    return Load(
        cpu_ms=(_cpu_s(pid) - cpu) / len(waits) * 1000,
        seconds=seconds,
        p50_ms=statistics.median(waits) * 1000,
        rss_mb=_rss_mb(pid),
    )


async def _read_answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert head.startswith(b"http/1.1 200"), head
    if b"content-length:" in head:
        await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        return
    while (size := int(await reader.readline(), 16)) > 0:
        await reader.readexactly(size + 2)
    await reader.readline()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def rows(*, quick: bool) -> Iterator[Row]:
    turns, requests = (1, 64) if quick else (5, 320)
    ports = free_ports(3)
    with (
        program("upstream", ports[0]),
        program("ours", ports[1], ports[0]) as ours_id,
        program("bare", ports[2], ports[0]) as bare_id,
    ):
        sides = ((ports[1], ours_id), (ports[2], bare_id))
        for connections in (1, 16, 64):
            pairs = asyncio.run(duel(sides, {"model": "fusion"}, connections, turns, requests))
            head = f"served fusion of 5 calls, {connections} connections: "
            note = f"{_median(pairs, 'cpu_ms'):.2f} ms a request"
            yield Row(subject=head + "CPU", measured=_ratio(pairs, "cpu_ms"), goal=1.1, gate=1.25, note=note)
            yield Row(subject=head + "seconds", measured=_ratio(pairs, "seconds"), goal=1 / 0.95, gate=1.25)
            yield Row(subject=head + "p50", measured=_ratio(pairs, "p50_ms"), goal=1.1, gate=1.25)
        yield Row(subject="served fusion: memory", measured=_ratio(pairs, "rss_mb"), goal=1.3, gate=2.0)
        pairs = asyncio.run(duel(sides, {"model": "one"}, 16, turns, requests))
        yield Row(subject="served single node: seconds", measured=_ratio(pairs, "seconds"), goal=1 / 0.9, gate=1 / 0.75)
        long = {"model": "one", "stream": True, "messages": [{"role": "user", "content": "long"}]}
        pairs = asyncio.run(duel(sides, long, 16, turns, requests))
        note = f"{_median(pairs, 'cpu_ms') * 1000 / CHUNKS:.1f} us a chunk; bare copies bytes"
        yield Row(subject="served stream of 200 chunks at once: CPU", measured=_ratio(pairs, "cpu_ms"),
                  goal=1.1, gate=1.35, note=note)  # fmt: skip


async def duel(
    sides: Sequence[tuple[int, int]], body: Mapping[str, Any], connections: int, turns: int, requests: int
) -> list[Sequence[Load]]:
    """Both servers in turns, so that both meet the same machine; the first turn warms up."""
    pairs: list[Sequence[Load]] = []
    for turn in range(turns + 1):
        order = sides if turn % 2 else sides[::-1]
        both = [await load(port, pid, body, connections=connections, requests=requests) for port, pid in order]
        if turn:
            pairs.append(both if turn % 2 else both[::-1])
    return pairs


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _ratio(pairs: Sequence[Sequence[Load]], name: str) -> float:
    return statistics.median([float(getattr(ours, name) / getattr(bare, name)) for ours, bare in pairs])


def _median(pairs: Sequence[Sequence[Load]], name: str) -> float:
    return statistics.median([float(getattr(ours, name)) for ours, _ in pairs])


if __name__ == "__main__":
    programs: Mapping[str, Callable[..., None]] = {"upstream": upstream, "ours": ours, "bare": bare}
    programs[sys.argv[1]](*map(int, sys.argv[2:]))
