"""What writing runs down costs per node, on instant models with 50 runs at once: the same runs with a journal and
without, in turns. Wall and CPU include the writing thread. And what a session takes on disk, whose every step sends all
that was said before."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks import shapes
from benchmarks.measure import Row, duel
from benchmarks.models import QUESTION, Instant, open_engine
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.request import RunRequest, ask
from fusion_graph.graph.bound import Bound
from fusion_graph.messages import Message
from fusion_graph.store.database import connect
from fusion_graph.store.journal import FILE, Job, Journal
from fusion_graph.store.pruning import SIZE
from fusion_graph.store.series import Series

AT_ONCE = 50
STEPS, SAID = 50, 2_000
LIMITS = {"wall": (0.3, time.perf_counter), "CPU": (0.1, time.process_time)}
"""Milliseconds a node, and the clock they are read from."""


def rows(*, quick: bool) -> Iterator[Row]:
    runs, turns = (AT_ONCE, 1) if quick else (4 * AT_ONCE, 9)
    for name, bound in (("panel of 4", shapes.panel(shapes.names(4))), ("chain of 10", shapes.chain(shapes.names(10)))):
        for what, (limit, clock) in LIMITS.items():
            measured = asyncio.run(_cost(bound, runs, turns, clock))
            yield Row(
                subject=f"journal, {name}, {AT_ONCE} at once: {what} a node",
                measured=measured,
                goal=limit,
                gate=limit,
                unit="ms",
            )
    whole, half = (asyncio.run(_session(steps)) for steps in ((4, 2) if quick else (2 * STEPS, STEPS)))
    yield Row(
        subject=f"journal, a session: bytes of {2 * STEPS} steps to those of {STEPS}",
        measured=whole / half,
        goal=2.1,
        gate=2.2,
        note=f"{half / 1e3:.0f} kB for {STEPS} steps of {SAID * 2 / 1e3:g} kB",
    )


async def _session(steps: int) -> int:
    """The bytes of a journal with one session in it. Each step is sent what was said before, and adds a reply and a
    result of `SAID` characters each."""
    engine, bound = open_engine(Instant()), shapes.chain(shapes.names(1))
    messages: tuple[Message, ...] = (Message("system", "x" * SAID), Message("user", QUESTION))
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        series = Series(journal=journal, command="code")
        for step in range(steps):
            job = Job(series.run_id(step), bound, messages, series.fence, "stub", command="code")
            memory = series.memory(job)
            await engine.run(bound, RunRequest(messages=messages, run_id=job.id, fence=series.fence, memory=memory))
            call, result = (f"{what} {step} ".ljust(SAID, "x") for what in ("call", "result"))
            messages = (*messages, Message("assistant", call), Message("user", result))
        journal.close()
        with closing(connect(Path(folder) / FILE)) as connection:
            (size,) = connection.execute(SIZE).fetchone()
    return int(size)


async def _cost(bound: Bound, runs: int, turns: int, clock: Callable[[], float]) -> float:
    """Milliseconds a node that the journal adds: the median of the turns."""
    engine = open_engine(Instant())
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        found = await duel(
            lambda: _written(engine, journal, bound),
            lambda: engine.run(bound, ask(QUESTION)),
            turns=turns,
            times=runs,
            at_once=AT_ONCE,
            clock=clock,
        )
        journal.close()
    added = sorted(ours - theirs for ours, theirs in zip(found.ours, found.theirs, strict=True))
    return 1e3 * added[len(added) // 2] / (runs * len(bound.nodes))


async def _written(engine: Fusion, journal: Journal, bound: Bound) -> None:
    request = ask(QUESTION)
    run, fence = secrets.token_hex(8), secrets.token_hex(6)
    memory = journal.begin(Job(run, bound, request.messages, fence, "stub"))
    await engine.run(bound, replace(request, run_id=run, fence=fence, memory=memory))
