"""Runs on scripted models, recorded in real time, and their replays, for tests of cassettes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from fusion_graph import settings
from fusion_graph.contracts import Backend, Provider
from fusion_graph.engine.pricing import Prices
from fusion_graph.engine.report import RunResult
from fusion_graph.errors import Transient
from fusion_graph.messages import Message
from fusion_graph.providers.sim import Script, SimClient
from fusion_graph.store.clockwork import Clockwork
from fusion_graph.tapes.recording import Recording, summary
from fusion_graph.tapes.replaying import Replaying, read_tape, recorded
from fusion_graph.tapes.straight import Asked, Straight
from fusion_graph.toolbox import NO_TOOLS, Toolbox
from fusion_graph.wiring import backends, engines, pipelines
from tests.graph.walk import pipeline_of

EVERYTHING = """
panel: {kind: layer, models: [a/fast, b/flaky, c/slow], quorum: 2, grace_s: 0.02, retry: {attempts: 3, backoff_s: 0.02}}
votes: {kind: sample, model: d/vote, samples: 6, window: 2, stop: {agree: 3}, extract: last_number}
one: {kind: proposer, model: e/stalled}
two: {kind: proposer, model: f/quick}
hedged: {kind: fallback, inputs: [one, two], hedge_after_s: 0.015}
answer: {kind: synth, model: g/writer, inputs: [panel, votes, hedged]}
final: {kind: fallback, inputs: [answer, panel]}
"""
"""A quorum that leaves a straggler behind, retries, a hedge, a sample that stops early."""


def scripts() -> Script:
    """Models for it, with latencies of a few milliseconds; what is cut has said something before."""
    return {
        "a/fast": [(0.01, "A says ", 0.003, "yes.")],
        "b/flaky": [Transient("rate_limited", retry_after_s=0.008), (0.004, Transient("upstream_5xx")), (0.01, "B.")],
        "c/slow": [("C begins ", 0.004, "and goes on ", 9.0, "for ever.")],
        "d/vote": [(0.006, "It is 7."), (0.004, "It is 8."), (0.003, "It is 7."), (0.005, "It is 7."), "It is 9."],
        "e/stalled": [(0.004, " ", 9.0, "never")],
        "f/quick": [(0.01, "The second was quicker.")],
        "g/writer": [("The ", 0.002, "answer.")],
    }


PRICES = Prices(
    {
        f"{letter}/{word}": (3.0, 15.0, 0.5)
        for letter, word in zip("abcdefg", ["fast", "flaky", "slow", "vote", "stalled", "quick", "writer"], strict=True)
    },
    "2026-11-28",
)


class Taped(NamedTuple):
    """How a run went."""

    result: RunResult
    told: list[str]

    @property
    def summary(self) -> dict[str, Any]:
        return summary(self.result)


def asked(nodes: str, text: str = "Why?", **more: Any) -> Asked:
    pipeline = pipeline_of(nodes, **more.pop("top", {}))
    return Asked(pipeline=pipeline, params={}, messages=(Message("user", text),), **more)


async def play(deck: Straight, ready: engines.Ready, prices: Prices, tools: Toolbox = NO_TOOLS) -> Taped:
    request = deck.request(ready, run_id="run", fence="fence")
    told = list(deck.warnings())
    async with deck.open(ready, prices, tools) as fusion:
        result = await fusion.run(ready.bound, request, deck.listen)
    return Taped(result, [*told, *deck.conclude(result)])


def record(
    file: Path, wanted: Asked, script: Script, *, loop: Callable[[], Any] | None = None, tools: Toolbox = NO_TOOLS
) -> Taped:
    """One run on scripted models of a backend that has a key."""
    backend = Backend(name="up", provider="scripted", base_url="http://secret.example", api_key="hush-hush")
    provider = Provider(name="scripted", summary="", open=lambda _backend: SimClient(script))
    selection = backends.Selection(backends={"up": backend}, default="up", why="", missing_keys={}, models={})

    async def work() -> Taped:
        ready = engines.Ready(pipelines.bind(wanted.pipeline), selection, (), {})
        with file.open("w", encoding="utf-8") as stream:
            return await play(Recording(wanted, stream, {"scripted": provider}), ready, PRICES, tools)

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(work())


def replay(file: Path, wanted: Asked | None = None) -> Taped:
    """What comes of a cassette; of the recorded pipeline unless another one is given."""

    async def work() -> Taped:
        cassette = read_tape(str(file))
        deck = Replaying(wanted or recorded(cassette), cassette)
        ready = await deck.prepare(settings.load({}, file.parent))
        return await play(deck, ready, deck.prices(None))

    with asyncio.Runner(loop_factory=Clockwork) as runner:
        return runner.run(work())
