"""Model stubs, one that answers at once and one that takes its seconds, and an engine that calls them. A real call
suspends at least once, so the instant one does too."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from fusion_graph.contracts import Backend, Client, Provider, Sink
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Prices
from fusion_graph.messages import Call, Completion, Delta, Usage

QUESTION = "Why is the sky blue?"
JUDGE = "bench/judge"
USAGE = Usage(prompt_tokens=300, completion_tokens=40, cost_usd=0.0001)
DRAFT = Completion(
    text="Air molecules scatter short wavelengths far more than long ones, so what comes from the side is blue.",
    usage=USAGE,
    model="bench/model",
)
VERDICT = Completion(
    text='{"consensus": ["short wavelengths scatter more", "the eye sees blue"], "contradictions": [], '
    '"partial_coverage": [], "unique_insights": [], "blind_spots": ["why the sky is not violet"]}',
    usage=USAGE,
    model=JUDGE,
)


class Instant:
    """Gives up the event loop once and answers. `calls`, when it is a list, keeps what was asked."""

    def __init__(self) -> None:
        self.calls: list[Call] | None = None

    async def complete(self, call: Call, _sink: Sink) -> Completion:
        if self.calls is not None:
            self.calls.append(call)
        await asyncio.sleep(0)
        return VERDICT if call.model == JUDGE else DRAFT

    async def aclose(self) -> None:
        """Nothing is open."""


class Paced:
    """Takes the seconds its model has, then answers."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self._seconds = seconds

    async def complete(self, call: Call, _sink: Sink) -> Completion:
        await asyncio.sleep(self._seconds[call.model])
        return VERDICT if call.model == JUDGE else DRAFT

    async def aclose(self) -> None:
        """Nothing is open."""


def ignore(_delta: Delta) -> None:
    """The sink of a caller who does not stream."""


def open_engine(client: Client) -> Fusion:
    """A Fusion whose only backend is this client."""
    provider = Provider(name="stub", summary="a stub", open=lambda _backend: client, free=True)
    backends = {"stub": Backend(name="stub", provider="stub")}
    return Fusion(providers={"stub": provider}, backends=backends, default_backend="stub", prices=Prices({}))
