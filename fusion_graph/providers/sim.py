"""Simulated models, in process: answers made up by a seeded mind, or played from a script. Nothing leaves the process
and every reply is marked simulated; it shows plumbing, never how good a pipeline is.

A script says what each model does, so tests can hold every reply in their hand (no sleeps):

    gate = asyncio.Event()
    sim = SimClient({
        "a/x": "always this text",                              # streamed word by word
        "b/y": [Transient("rate_limited"), "then this"],        # one entry per call; the last one stays
        "c/z": (gate, "Hel", "lo", Transient("truncated_stream")),  # the steps of one reply, in order
        "d/w": lambda call: f"you said {call.messages[-1].text}",   # a function of the call, plain or async
        "*": Completion(text="everybody else", finish_reason="length"),
    })
    await sim.called("c/z")     # wait until the call has arrived
    gate.set()
    sim.received, sim.cancelled, sim.running    # calls in order of arrival
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from fusion_graph.contracts import Backend, Client, Provider, Sink
from fusion_graph.errors import ProviderError
from fusion_graph.messages import Call, Completion, Delta, ToolCallDelta
from fusion_graph.providers._sim.mind import Mind, count_usage, cut_words
from fusion_graph.providers._wire.assembly import Assembly, finish_of, refuse_empty

Step: TypeAlias = "str | float | asyncio.Event | Delta | ProviderError | Completion"
"""Of one reply: a piece of text, seconds to sleep, a gate to wait for, a delta as it is, an error that ends it, or a
completion that ends it (with the text so far, if its own is empty)."""

Plain: TypeAlias = "str | Completion | ProviderError | tuple[Step, ...]"
Reply: TypeAlias = "Plain | Callable[[Call], Plain | Awaitable[Plain]]"
Script: TypeAlias = Mapping[str, "Reply | list[Reply]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast simulated models are, in seconds. Zero: at once, without giving up the event loop."""

    first_token_s: float = 0.0
    token_s: float = 0.0


DEMO = Pace(first_token_s=0.5, token_s=0.02)
"""About what a hosted model takes."""

SPEEDS: Mapping[str, Pace] = {
    "sim/fast": Pace(first_token_s=0.05, token_s=0.002),
    "sim/demo": DEMO,
    "sim/slow": Pace(first_token_s=2.0, token_s=0.1),
}

_FAULTY = "sim/fault-"
_PHRASES = re.compile(r"(?:\s*\S+){1,8}|\s+$")  # what a model without a pace is streamed in: few pieces, but several


class SimClient:
    """An open sim. `script` goes before `mind`; models outside both the script and `*` are answered by the mind. With
    `records` it keeps every call in `received` and `cancelled`."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        mind: Mind | None = None,
        pace: Pace = Pace(),
        records: bool = True,
    ) -> None:
        self.script = dict(script or {})
        self._mind = mind or Mind()
        self._pace = pace
        self._turns: Counter[str] = Counter()
        self._attempts: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self.received: list[Call] = []
        self.cancelled: list[Call] = []
        self._running: dict[int, Call] = {}
        self._records = records
        self._count = 0
        self.closed = False

    async def complete(self, call: Call, sink: Sink) -> Completion:
        self._count = number = self._count + 1
        self._running[number] = call
        if self._records:
            self.received.append(call)
            self._wake()
        try:
            reply = self._scripted(call)
            if reply is None:
                return await _play(call, self._think(call), sink)
            if callable(reply):
                made = reply(call)
                reply = await made if isinstance(made, Awaitable) else made
            return await _play(call, _steps(reply), sink)
        except asyncio.CancelledError:
            if self._records:
                self.cancelled.append(call)
            raise
        finally:
            del self._running[number]
            self._wake()

    async def aclose(self) -> None:
        self.closed = True

    @property
    def running(self) -> list[Call]:
        """The calls that are being answered, in order of arrival."""
        return list(self._running.values())

    async def until(self, holds: Callable[[SimClient], bool]) -> None:
        """Wait until `holds(self)` is true; asked again whenever a call arrives or ends."""
        while not holds(self):
            await self._changed.wait()

    async def called(self, model: str, times: int = 1) -> None:
        """Wait until `model` has been called so often."""
        await self.until(lambda sim: sum(call.model == model for call in sim.received) >= times)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _scripted(self, call: Call) -> Reply | None:
        key = call.model if call.model in self.script else "*"
        entry = self.script.get(key)
        if not isinstance(entry, list):
            return entry
        turn = self._turns[key]
        self._turns[key] += 1
        return entry[min(turn, len(entry) - 1)]

    def _think(self, call: Call) -> tuple[Step, ...]:
        """What the mind says, as steps; a fault if the model's name asks for one or the dice do."""
        if call.model.startswith(_FAULTY):
            return _fault_steps(call.model)
        self._attempts[call.model] += 1
        error = self._mind.error(call, self._attempts[call.model])
        if error is not None:
            return (error,)
        completion = self._mind.reply(call)
        pace = SPEEDS.get(call.model, self._pace)
        if not (pace.first_token_s or pace.token_s):
            return _steps(completion) if completion.tool_calls else (*_PHRASES.findall(completion.text), completion)
        paced: list[Step] = [pace.first_token_s]
        for piece in _pieces(completion):
            paced += [piece, pace.token_s]
        return (*paced, completion)


def _fault_steps(model: str) -> tuple[Step, ...]:
    """What the openai provider would make of the same fault over HTTP; what is odd only in its bytes is plain here."""
    from fusion_graph.providers._sim.faults import error_of, find_fault

    fault = find_fault(model)
    if fault is None or not fault.reason:
        return _steps("The quick brown fox.")
    if fault.reason.startswith("timeout"):  # for the engine to find out
        return (asyncio.Event(),)
    return (error_of(fault),)


def _steps(reply: str | Completion | ProviderError | tuple[Step, ...]) -> tuple[Step, ...]:
    if isinstance(reply, str):
        return tuple(cut_words(reply))
    if isinstance(reply, ProviderError):
        return (reply,)
    return (*_pieces(reply), reply) if isinstance(reply, Completion) else reply


def _pieces(completion: Completion) -> list[Delta]:
    """A whole reply as it would be streamed: reasoning, words, tool calls."""
    pieces = [Delta(reasoning=completion.reasoning)] if completion.reasoning else []
    pieces += [Delta(text=word) for word in cut_words(completion.text)]
    calls = enumerate(completion.tool_calls)
    return pieces + [Delta(tool_calls=(ToolCallDelta(i, c.id, c.name, c.arguments),)) for i, c in calls]


async def _play(call: Call, steps: tuple[Step, ...], sink: Sink) -> Completion:
    """Act out one reply, as the HTTP provider would report it: an empty one is an error."""
    said = Assembly()
    for step in steps:
        if isinstance(step, str | Delta):
            delta = Delta(text=step) if isinstance(step, str) else step
            said.add(delta)
            sink(delta)
        elif isinstance(step, asyncio.Event):
            await step.wait()
        elif isinstance(step, Completion):
            whole = step if step.text or step.tool_calls else replace(step, text=said.text)
            return refuse_empty(replace(whole, model=whole.model or call.model, simulated=True))
        elif isinstance(step, BaseException):
            raise step
        else:
            await asyncio.sleep(step)
    text, calls = said.text, said.tool_calls
    usage = count_usage(call, text)
    reply = Completion(text, calls, finish_of(calls), said.reasoning, None, usage, call.model, simulated=True)
    return refuse_empty(reply)


def _open(backend: Backend) -> Client:
    """Options of the backend: `knowledge`, `slip`, `error_rate` (shares, 0..1), `known` (share by model), `token_s`,
    `first_token_s`."""
    options = backend.options
    mind = Mind(**{name: options[name] for name in ("knowledge", "known", "slip", "error_rate") if name in options})
    pace = Pace(**{name: float(options[name]) for name in ("first_token_s", "token_s") if name in options})
    return SimClient(mind=mind, pace=pace, records=False)


PROVIDER = Provider(name="sim", summary="simulated models, in process", open=_open, free=True)
