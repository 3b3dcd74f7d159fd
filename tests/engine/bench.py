"""Lanes over sims that can be counted, with a clock in the test's hand."""

from __future__ import annotations

from fusion_graph.contracts import Backend, Provider
from fusion_graph.engine.lane import Lane
from fusion_graph.engine.lanes import Lanes
from fusion_graph.providers.sim import SimClient


class Bench:
    def __init__(self, **settings: int) -> None:
        self.now = 0.0
        self.opened: list[SimClient] = []
        provider = Provider(name="sim", summary="", open=self._open, needs_key=True)
        backends = {n: Backend(name=n, provider="sim", api_key="k" * (n == "a"), **settings) for n in ("a", "b")}  # type: ignore[arg-type]
        self.lanes = Lanes(backends, {"sim": provider}, "a", lambda: self.now)

    def _open(self, _backend: Backend) -> SimClient:
        self.opened.append(SimClient())
        return self.opened[-1]

    @property
    def lane(self) -> Lane:
        return self.lanes["a"]
