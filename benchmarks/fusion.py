"""CPU per node on instant models: the usual shapes, one run after the other and a hundred at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from benchmarks import bare, shapes
from benchmarks.measure import Row, duel
from benchmarks.models import QUESTION, Instant, open_engine
from fusion_graph.contracts import Client
from fusion_graph.engine.request import ask
from fusion_graph.graph.bound import Bound


def rows(*, quick: bool) -> Iterator[Row]:
    wide, long, turns = (20, 20, 1) if quick else (1000, 1000, 15)
    four, eight, many = shapes.names(4), shapes.names(8), shapes.names(long)
    yield from _both("MoA: 3 drafts, judge, synth", shapes.panel(four), lambda c: bare.panel(c, QUESTION, four), turns)
    yield from _both(
        "MoA: 3 layers of 8, synth",
        shapes.layers(eight, 3, "bench/w"),
        lambda c: bare.layers(c, QUESTION, eight, 3, "bench/w"),
        turns,
    )
    yield from _both(
        f"fan-in of {wide:,}",
        shapes.fan_in("bench/m", wide, "bench/w"),
        lambda c: bare.fan_in(c, QUESTION, "bench/m", wide, "bench/w"),
        turns,
    )
    found = _duel(shapes.chain(many), lambda c: bare.chain(c, QUESTION, many), turns=turns, times=2)
    yield Row(subject=f"chain of {long:,}", measured=found[0], goal=2.5, gate=5.0, note=found[1])


def _both(subject: str, bound: Bound, theirs: Callable[[Client], Awaitable[str]], turns: int) -> Iterator[Row]:
    """The row of one run at a time, and the one of 100 at once (4 where a run is a thousand calls)."""
    calls = sum(node.model is not None for node in bound.nodes)
    crowd = 2 if turns == 1 else 100 if calls < 100 else 4
    ratio, note = _duel(bound, theirs, turns=turns, times=max(1, 1000 // calls))
    yield Row(subject=subject, measured=ratio, goal=1.0, gate=1.5, note=note)
    ratio, note = _duel(bound, theirs, turns=max(1, turns // 2), times=crowd, at_once=crowd)
    yield Row(subject=f"{subject}, {crowd} at once", measured=ratio, goal=1.0, gate=1.5, note=note)


def _duel(
    bound: Bound, theirs: Callable[[Client], Awaitable[str]], *, turns: int, times: int, at_once: int = 1
) -> tuple[float, str]:
    client = Instant()
    engine = open_engine(client)
    programs = (lambda: engine.run(bound, ask(QUESTION))), (lambda: theirs(client))
    found = asyncio.run(duel(*programs, turns=turns, times=times, at_once=at_once))
    calls = sum(node.model is not None for node in bound.nodes)
    return found.ratio, found.told(calls * (times // at_once) * at_once, "call")
