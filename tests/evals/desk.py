"""A desk for tests: scripted models and judges, records in memory or in a journal, virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from fusion_graph.contracts import Backend, Client, Provider
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Prices
from fusion_graph.evals.protocols import PROTOCOLS
from fusion_graph.evals.running.evaluation import Desk
from fusion_graph.evals.running.judging import Judge, Judging
from fusion_graph.evals.running.purse import Purse, watched
from fusion_graph.evals.running.recording import Door
from fusion_graph.evals.running.records import Records
from fusion_graph.graph.binding import bind
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.reader import load_mapping
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import Pipeline
from fusion_graph.providers.sim import Script, SimClient
from fusion_graph.store.clockwork import Clockwork
from fusion_graph.store.door import guarded
from fusion_graph.store.journal import Journal
from fusion_graph.store.series import Series

T = TypeVar("T")
PRICES = Prices({"a/x": (1, 1), "b/y": (1, 1), "c/z": (1, 1), "j/j": (1, 1)}, "2026-11-28")
PANEL = {
    "version": 1,
    "name": "panel",
    "nodes": {
        "panel": {"kind": "layer", "models": ["a/x", "b/y"]},
        "answer": {"kind": "synth", "model": "c/z", "inputs": ["panel"]},
        "final": {"kind": "fallback", "inputs": ["answer", "panel"]},
    },
    "output": "final",
}
VOTE = {
    "version": 1,
    "name": "vote",
    "nodes": {
        "panel": {"kind": "layer", "models": ["a/x", "b/y", "c/z"]},
        "vote": {"kind": "judge", "mode": "vote", "inputs": ["panel"], "extract": "last_number"},
        "final": {"kind": "fallback", "inputs": ["vote", "panel"]},
    },
    "output": "final",
}


def new_book(folder: Path | None = None) -> Records:
    """A new eval, kept in this folder or in memory."""
    return Records(Series(journal=Journal(folder), command="eval"))


def load(document: Mapping[str, Any]) -> Pipeline:
    return load_mapping(document, kinds=KINDS)


def bound(pipeline: Pipeline, params: Mapping[str, Any]) -> Bound:
    return bind(pipeline, KINDS, params)


class Bench:
    """Sims for models and judge, and what stands between them and the engine."""

    def __init__(
        self,
        script: Script,
        judge: Script | None = None,
        *,
        book: Records | None = None,
        budget: float | None = None,
    ) -> None:
        self.models, self.judges = SimClient(script), SimClient(judge or {})
        self.book = book or new_book()
        self.purse = Purse(PRICES, budget)

    def fusion(self, client: Client, door: Door | None = None) -> Fusion:
        """On the running loop's clock."""
        provider = Provider(name="sim", summary="scripted", open=lambda _backend: client)
        providers = watched({"sim": provider}, self.purse)
        return Fusion(
            providers=guarded(providers, door) if door else providers,
            backends={"sim": Backend(name="sim", provider="sim")},
            default_backend="sim",
            prices=PRICES,
            clock=asyncio.get_running_loop().time,
        )

    def judge(self, protocol: str = "openrouter", passes: int = 1) -> Judge:
        settings = Judging(protocol=PROTOCOLS[protocol], model="j/j", passes=passes, temperature=0.2, effort="low")
        return Judge(settings, self.fusion(self.judges), self.book, load, bound)

    def desk(self, judge: Judge | None = None) -> Desk:
        fusion = self.fusion(self.models, Door(self.book, paced=True))
        return Desk(fusion=fusion, judge=judge, records=self.book, purse=self.purse)

    def records(self, absent: str = "") -> Callable[[Callable[[], float]], Fusion]:
        """Engines that know what is recorded."""
        door = Door(self.book, live=False, paced=True, absent=frozenset({absent} - {""}))
        return lambda _clock: self.fusion(self.models, door)


def virtually(work: Coroutine[Any, Any, T]) -> T:
    """Run in virtual time."""
    with asyncio.Runner(loop_factory=Clockwork) as runner:
        return runner.run(work)
