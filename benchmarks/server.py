"""The server beside bare aiohttp that makes the same calls: CPU, requests per second, latency and memory, at several
numbers of connections; a pass-through; streamed answers; and the time from nothing to the first answer. Each server is
a process of its own, as is the upstream, which answers at once."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from benchmarks.load import cpu_s, duel, fetch, free_ports, load, ours, program, ratio, told, until_open
from benchmarks.measure import Row
from benchmarks.programs import BURST, CALLS, CHUNKS, FIRST, PACED

Sides = Sequence[tuple[int, int]]
"""Port and process id, ours first."""


def rows(*, quick: bool) -> Iterator[Row]:
    turns, requests = (1, 64) if quick else (7, 512)
    ports = free_ports(3)
    with (
        tempfile.TemporaryDirectory() as folder,
        program("upstream", ports[0]),
        ours(folder, ports[1], ports[0]) as ours_id,
        program("bare", ports[2], ports[0]) as bare_id,
    ):
        for port in ports:
            asyncio.run(until_open(port))
        sides = ((ports[1], ours_id), (ports[2], bare_id))
        yield from _fusion(sides, turns, requests)
        yield from _exact(sides[0], ports[0], requests)
        yield from _one(sides, turns, requests)
        yield from _streams(sides, turns, requests)
        yield from _cold(ports[0], 1 if quick else 9)


def _fusion(sides: Sides, turns: int, requests: int) -> Iterator[Row]:
    for connections in (1, 16, 64):
        pairs = asyncio.run(duel(sides, {"model": "panel"}, connections, turns, requests))
        head = f"served fusion of {CALLS} calls, {connections} connections: "
        note = f"ms a request: {told(pairs, 'cpu_ms')}"
        yield Row(subject=head + "CPU", measured=ratio(pairs, "cpu_ms"), goal=1.1, gate=1.25, note=note)
        yield _rate(head, pairs, requests, goal=0.95, gate=0.8)
        note = f"ms: {told(pairs, 'p50_ms')}"
        yield Row(subject=head + "p50", measured=ratio(pairs, "p50_ms"), goal=1.1, gate=1.25, note=note)
    note = f"MB: {told(pairs, 'rss_mb')}"
    yield Row(subject="served fusion: memory", measured=ratio(pairs, "rss_mb"), goal=1.3, gate=2.0, note=note)


def _rate(head: str, pairs: Any, requests: int, *, goal: float, gate: float) -> Row:
    """Requests per second, told as the seconds of one, so that less is better as in every row."""
    note = f"at most 1/{goal:g} and 1/{gate:g}; ms a request: {told(pairs, 'seconds', 1000 / requests)}"
    return Row(subject=head + "seconds", measured=ratio(pairs, "seconds"), goal=1 / goal, gate=1 / gate, note=note)


def _exact(side: tuple[int, int], upstream: int, requests: int) -> Iterator[Row]:
    """What the upstream saw of as many runs again, when all connections are there."""

    async def seen() -> Mapping[str, int]:
        before = await fetch(upstream, "/seen")
        await load(*side, {"model": "panel"}, connections=16, requests=requests)
        after = await fetch(upstream, "/seen")
        return {name: after[name] - before[name] for name in before}

    counted = asyncio.run(seen())
    made = counted["calls"] / (CALLS * (requests // 16 * 16))
    yield Row(subject="served fusion: calls, over the plan's", measured=made, goal=1, gate=1)
    new = counted["connections"]
    yield Row(subject="served fusion: new connections", measured=new, goal=0, gate=0, unit="")


def _one(sides: Sides, turns: int, requests: int) -> Iterator[Row]:
    for connections in (1, 16, 64):
        pairs = asyncio.run(duel(sides, {"model": "one"}, connections, turns, 2 * requests))
        head = f"one node beside a pass-through, {connections} connections: "
        yield _rate(head, pairs, 2 * requests, goal=0.9, gate=0.75)


def _streams(sides: Sides, turns: int, requests: int) -> Iterator[Row]:
    body = {"model": "one", "stream": True, "messages": [{"role": "user", "content": BURST}]}
    pairs = asyncio.run(duel(sides, body, 16, turns, requests))
    head, count = f"served stream of {CHUNKS} chunks", 1000 / CHUNKS
    note = f"us a chunk: {told(pairs, 'cpu_ms', count)}; bare copies bytes"
    yield Row(subject=f"{head}, burst: CPU", measured=ratio(pairs, "cpu_ms"), goal=1.1, gate=1.35, note=note)
    first = {**body, "messages": [{"role": "user", "content": FIRST}]}  # in a burst it waits for a free core
    pairs = asyncio.run(duel(sides, first, 1, turns, requests // 4))
    note = f"ms, nothing but overhead: {told(pairs, 'first_ms')}"
    yield Row(subject=f"{head}: first token", measured=ratio(pairs, "first_ms"), goal=1.1, gate=1.25, note=note)
    paced = {**body, "messages": [{"role": "user", "content": PACED}]}
    pairs = asyncio.run(duel(sides, paced, 16, (turns + 1) // 2, 16))
    note = f"us a chunk: {told(pairs, 'cpu_ms', count)}; bare copies bytes"
    yield Row(subject=f"{head}, paced: CPU", measured=ratio(pairs, "cpu_ms"), goal=1.05, gate=1.2, note=note)


def _cold(upstream: int, turns: int) -> Iterator[Row]:
    """CPU of a process from its start to its first answer."""
    spent: list[tuple[float, float]] = []
    for turn in range(-1, turns):  # the first one compiles
        with tempfile.TemporaryDirectory() as folder:
            port = free_ports(1)[0]
            mine = _first(lambda: ours(folder, port, upstream), port)  # noqa: B023 - called at once
            theirs = _first(lambda: program("bare", port, upstream), port)  # noqa: B023
        if turn >= 0:
            spent.append((mine, theirs))
    measured = statistics.median([mine / theirs for mine, theirs in spent])
    note = "s: {:.3f}, bare {:.3f}".format(*(min(side) for side in zip(*spent, strict=True)))
    yield Row(subject="server, start to first answer: CPU", measured=measured, goal=1.2, gate=2.0, note=note)


def _first(start: Callable[[], AbstractContextManager[int]], port: int) -> float:
    async def ask(pid: int) -> float:
        await until_open(port)
        await load(port, pid, {"model": "one"}, connections=1, requests=1)
        return cpu_s(pid)

    with start() as pid:
        return asyncio.run(ask(pid))
