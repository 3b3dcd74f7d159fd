"""Servers as processes of their own, and so many requests over so many connections at them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bare import WORDS
from benchmarks.programs import MODELS

ROOT = Path(__file__).parents[1]
NOWHERE = subprocess.DEVNULL
PANEL = {
    "version": 1,
    "name": "panel",
    "nodes": {
        "panel": {"kind": "layer", "models": list(MODELS)},
        "verdict": {"kind": "judge", "model": "j/j", "inputs": ["panel"]},
        "answer": {"kind": "synth", "model": "w/w", "inputs": ["panel", "verdict?"]},
    },
    "output": "answer",
}
ALONE = {"version": 1, "name": "one", "nodes": {"answer": {"kind": "proposer", "model": "w/w"}}, "output": "answer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one server did under one load."""

    cpu_ms: float  # per request
    seconds: float  # of all requests
    p50_ms: float
    first_ms: float  # until the first text of an answer, in the middle
    rss_mb: float


@contextmanager
def program(name: str, *ports: int) -> Iterator[int]:
    """The upstream or the bare server, by its process id."""
    command = [sys.executable, "-m", "benchmarks.programs", name, *map(str, ports)]
    if name == "bare":
        command.append(json.dumps(WORDS))
    with subprocess.Popen(command, cwd=ROOT, env=bare_environment()) as process:
        try:
            yield process.pid
        finally:
            process.kill()


@contextmanager
def ours(folder: str, port: int, upstream_port: int) -> Iterator[int]:
    """Our server as it is started by hand, with metrics and its log, by its process id."""
    for pipeline in (PANEL, ALONE):
        Path(folder, f"{pipeline['name']}.yaml").write_text(json.dumps(pipeline), "utf-8")
    address = f"http://127.0.0.1:{upstream_port}/v1"
    settings = {"FUSION_HOME": folder, "FUSION_BASE_URL": address, "FUSION_API_KEY": "k" * 16, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "fusion_graph", "serve", "--log-json", "--max-runs", "4096"]
    command += ["--pipelines", folder, "--port", str(port)]
    environment = bare_environment() | settings
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=NOWHERE, stderr=NOWHERE) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def bare_environment() -> dict[str, str]:
    """Without keys; and compiled files are kept, as they are where a package is installed."""
    return {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY") and k != "PYTHONDONTWRITEBYTECODE"}


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


async def until_open(port: int, patience_s: float = 30.0) -> None:
    """Until somebody listens there."""
    async with asyncio.timeout(patience_s):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.002)
            else:
                writer.close()
                return


def request_of(body: Mapping[str, Any]) -> bytes:
    raw = json.dumps({"messages": [{"role": "user", "content": "Why?"}], **body}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(raw)}\r\n"
    return f"{head}Content-Type: application/json\r\n\r\n".encode() + raw


async def load(port: int, pid: int, body: Mapping[str, Any], *, connections: int, requests: int) -> Load:
    """One request after the other on each connection."""
    request = request_of(body)
    waits: list[float] = []
    firsts: list[float] = []

    async def one(count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            began = time.perf_counter()
            writer.write(request)
            firsts.append(await read_answer(reader) - began)
            waits.append(time.perf_counter() - began)
        writer.close()

    cpu, began = cpu_s(pid), time.perf_counter()
    await asyncio.gather(*(one(requests // connections) for _ in range(connections)))
    seconds = time.perf_counter() - began
    return Load(
        cpu_ms=(cpu_s(pid) - cpu) / len(waits) * 1000,
        seconds=seconds,
        p50_ms=statistics.median(waits) * 1000,
        first_ms=statistics.median(firsts) * 1000,
        rss_mb=rss_mb(pid),
    )


async def read_answer(reader: asyncio.StreamReader) -> float:
    """When its first text came."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert head.startswith(b"http/1.1 200"), head
    if b"content-length:" in head:
        await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        return time.perf_counter()
    first = 0.0
    while (size := int(await reader.readline(), 16)) > 0:
        chunk = await reader.readexactly(size + 2)
        if not first and b"word" in chunk:
            first = time.perf_counter()
    await reader.readline()
    return first


async def fetch(port: int, path: str) -> Any:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]))
    writer.close()
    return json.loads(body)


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


def ratio(pairs: Sequence[Sequence[Load]], name: str) -> float:
    return statistics.median([float(getattr(ours, name) / getattr(bare, name)) for ours, bare in pairs])


def told(pairs: Sequence[Sequence[Load]], name: str, factor: float = 1.0) -> str:
    """`1.2, bare 0.5`, each in the middle."""
    mine, theirs = (statistics.median([float(getattr(pair[side], name)) for pair in pairs]) * factor for side in (0, 1))
    return f"{mine:.3g}, bare {theirs:.3g}"


def cpu_s(pid: int) -> float:
    """CPU seconds of a process that runs: the clock that Linux keeps of each."""
    return time.clock_gettime((~pid << 3) | 2)


def rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
