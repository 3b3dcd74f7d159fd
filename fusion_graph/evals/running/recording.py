"""Replies kept by what was asked: arms whose nodes ask the same share one call, and a resumed eval pays no call twice.

Stands between the engine and the models. Failures are never kept. The key holds everything that shapes a reply and the
run's number, so that self-fusion still draws twice and a second run is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from fusion_graph.contracts import Backend, Client, Provider, Sink
from fusion_graph.errors import Permanent
from fusion_graph.evals.running.purse import LEFT
from fusion_graph.evals.running.stages import Stages
from fusion_graph.messages import Call, Completion, Delta, ToolCallDelta
from fusion_graph.store.digest import call_digest
from fusion_graph.store.replies import read_completion, write_completion

RUN: ContextVar[int] = ContextVar("run", default=0)
"""The number of the eval's run that the current task belongs to; tasks that a run starts inherit it."""
UNRECORDED = "not_recorded"
LEFT_OUT = "left_out"
"""Reasons of calls that were never sent: nothing is recorded and none may be sent; the model plays absent."""
MOST_S = 5.0  # between two pieces of a reply that is played back: a model that is writing is not idle


@dataclass(slots=True)
class Door:
    """What may pass. `live`: what is not recorded is asked. `paced`: a recorded reply takes the time it took then,
    which costs nothing in a Clockwork. `absent`: models that fail, as if they were down."""

    stages: Stages
    live: bool = True
    paced: bool = False
    absent: frozenset[str] = frozenset()
    pending: dict[str, asyncio.Future[None]] = field(default_factory=dict)


def recording(providers: Mapping[str, Provider], door: Door) -> dict[str, Provider]:
    """The same providers, behind this door."""

    def opener(provider: Provider) -> Callable[[Backend], Client]:
        return lambda backend: _Recording(backend.name, provider.open(backend), door)

    return {name: replace(provider, open=opener(provider)) for name, provider in providers.items()}


def key_of(backend: str, call: Call) -> str:
    """Everything that shapes a reply and which run it is for; not what the call is for."""
    return f"{call_digest('', 0, backend, call, '')}/{RUN.get()}"


class _Recording:
    """A client that looks before it asks, and keeps what it was answered."""

    def __init__(self, backend: str, client: Client, door: Door) -> None:
        self._backend = backend
        self._client = client
        self._door = door

    async def complete(self, call: Call, sink: Sink) -> Completion:
        door, began = self._door, asyncio.get_running_loop().time()
        if call.model in door.absent:
            raise Permanent(LEFT_OUT, f"{call.model} is left out", sent=False)
        key = key_of(self._backend, call)
        while True:
            kept = door.stages.get("reply", key)
            if kept is not None:
                return await self._play(kept, sink, began)
            pending = door.pending.get(key)
            if pending is None:
                break
            await asyncio.wait([pending])  # another arm asks just this; if it fails, we ask ourselves
        if not door.live:
            raise Permanent(UNRECORDED, "this call is not recorded", sent=False)
        return await self._ask(key, call, sink, began)

    async def _ask(self, key: str, call: Call, sink: Sink, began: float) -> Completion:
        door, loop = self._door, asyncio.get_running_loop()
        first: list[float] = []

        def seen(delta: Delta) -> None:
            if not first and not delta.whole:
                first.append(loop.time() - LEFT.get(began))
            sink(delta)

        door.pending[key] = mark = loop.create_future()
        try:
            completion = await self._client.complete(call, seen)
            took = loop.time() - LEFT.get(began)
            kept = {"first_s": first[0] if first else took, "seconds": took, "completion": write_completion(completion)}
            door.stages.put("reply", key, kept)
        finally:
            del door.pending[key]
            mark.set_result(None)
        return completion

    async def _play(self, kept: Mapping[str, Any], sink: Sink, began: float) -> Completion:
        """Give a recorded reply; paced, in pieces over the time it took, counted from when it was asked for."""
        completion, clock = read_completion(kept["completion"]), asyncio.get_running_loop().time
        tools = tuple(ToolCallDelta(i, c.id, c.name, c.arguments) for i, c in enumerate(completion.tool_calls))
        if not self._door.paced:
            await asyncio.sleep(0)
            sink(Delta(text=completion.text, tool_calls=tools))
            return completion
        await asyncio.sleep(began + kept["first_s"] - clock())
        pieces = int((kept["seconds"] - kept["first_s"]) / MOST_S) + 1
        size = -(-len(completion.text) // pieces)
        for number in range(pieces):
            text = completion.text[number * size : (number + 1) * size]
            if text or number == 0:
                sink(Delta(text=text, tool_calls=() if number else tools))
            until = kept["first_s"] + (number + 1) / pieces * (kept["seconds"] - kept["first_s"])
            await asyncio.sleep(began + until - clock())
        return completion

    async def aclose(self) -> None:
        await self._client.aclose()
