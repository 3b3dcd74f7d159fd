"""Replies shared by what was asked: arms whose nodes ask the same share one call, a resumed eval pays no call twice.

Stands between the engine and the models. Failures are never kept. What is asked is known by the digest of its call and
the run's number, so that self-fusion still draws twice and a second run is one.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from fusion_graph.contracts import Sink
from fusion_graph.errors import Permanent
from fusion_graph.evals.running.purse import LEFT
from fusion_graph.evals.running.records import Key, Records
from fusion_graph.events import CallFinished, CallStarted, Event
from fusion_graph.messages import Call, Completion, Delta, ToolCallDelta
from fusion_graph.store.door import Attempt
from fusion_graph.store.journal import Job, digest_of
from fusion_graph.store.recorder import SHARED
from fusion_graph.store.series import Heard

UNRECORDED = "not_recorded"
LEFT_OUT = "left_out"
"""Reasons of calls that were never sent: nothing is recorded and none may be sent; the model plays absent."""
MOST_S = 5.0  # between two pieces of a reply that is played back: a model that is writing is not idle


class Ear:
    """One run of an arm, heard: it tells the door what each call is, and the records what was answered."""

    def __init__(self, records: Records, job: Job) -> None:
        self._records = records
        self._job = job
        self._keys: dict[int, Key] = {}
        self._sent: dict[tuple[str, int, int], Call] = {}
        self._took: dict[int, tuple[float, float]] = {}

    def __call__(self, event: Event) -> None:
        if type(event) is CallStarted:
            self._sent[event.node, event.call, event.attempt] = event.request
            self._keys[id(event.request)] = (self._job.part, digest_of(self._job, event))
        elif type(event) is CallFinished:
            call = event.node, event.call, event.attempt
            sent = id(self._sent[call])
            if sent in self._took:
                heard = Heard(*self._took[sent], event.completion)
                self._records.hear(self._keys[sent], heard)
                self._records.series.retime(self._job.id, call, heard)

    def key(self, call: Call) -> Key:
        return self._keys[id(call)]

    def time(self, call: Call, first_s: float, seconds: float) -> None:
        """How long a bought reply took."""
        self._took[id(call)] = first_s, seconds


EAR: ContextVar[Ear] = ContextVar("ear")
"""Of the run that the current task belongs to; tasks that a run starts inherit it."""


@dataclass(slots=True)
class Door:
    """What may pass. `live`: what is not recorded is asked. `paced`: a recorded reply takes the time it took then,
    which costs nothing in a Clockwork. `absent`: models that fail, as if they were down."""

    records: Records
    live: bool = True
    paced: bool = False
    absent: frozenset[str] = frozenset()
    _pending: dict[Key, asyncio.Future[None]] = field(default_factory=dict)

    async def __call__(self, attempt: Attempt, sink: Sink) -> Completion:
        began = asyncio.get_running_loop().time()
        if attempt.call.model in self.absent:
            raise Permanent(LEFT_OUT, f"{attempt.call.model} is left out", sent=False)
        ear = EAR.get()
        key = ear.key(attempt.call)
        while (heard := self.records.heard(key)) is None:
            pending = self._pending.get(key)
            if pending is not None:
                await asyncio.wait([pending])  # another arm asks just this; if it fails, we ask ourselves
            elif self.live:
                return await self._ask(ear, key, attempt, sink, began)
            else:
                raise Permanent(UNRECORDED, "this call is not recorded", sent=False)
        await self._play(heard, sink, began)
        return replace(heard.completion, notes=(*heard.completion.notes, SHARED))

    async def _ask(self, ear: Ear, key: Key, attempt: Attempt, sink: Sink, began: float) -> Completion:
        loop = asyncio.get_running_loop()
        first: list[float] = []

        def seen(delta: Delta) -> None:
            if not first and not delta.whole:
                first.append(loop.time() - LEFT.get(began))
            sink(delta)

        self._pending[key] = mark = loop.create_future()
        try:
            completion = await attempt.ask(seen)
            took = loop.time() - LEFT.get(began)
            ear.time(attempt.call, first[0] if first else took, took)
        finally:
            loop.call_soon(self._settle, key, mark)  # the engine says first whether it is of use
        return completion

    def _settle(self, key: Key, mark: asyncio.Future[None]) -> None:
        del self._pending[key]
        mark.set_result(None)

    async def _play(self, heard: Heard, sink: Sink, began: float) -> None:
        """Give a recorded reply; paced, in pieces over the time it took, counted from when it was asked for."""
        completion, clock = heard.completion, asyncio.get_running_loop().time
        tools = tuple(ToolCallDelta(i, c.id, c.name, c.arguments) for i, c in enumerate(completion.tool_calls))
        if not self.paced:
            await asyncio.sleep(0)
            sink(Delta(text=completion.text, tool_calls=tools))
            return
        await asyncio.sleep(began + heard.first_s - clock())
        pieces = int((heard.seconds - heard.first_s) / MOST_S) + 1
        size = -(-len(completion.text) // pieces)
        for number in range(pieces):
            text = completion.text[number * size : (number + 1) * size]
            if text or number == 0:
                sink(Delta(text=text, tool_calls=() if number else tools))
            until = heard.first_s + (number + 1) / pieces * (heard.seconds - heard.first_s)
            await asyncio.sleep(began + until - clock())
