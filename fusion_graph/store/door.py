"""The door between engine and models: whoever stands in it sees every attempt leave and come back. What remembers, what
records, what replays and what stubs are all a `Doorkeeper`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from fusion_graph.contracts import Backend, Client, Provider, Sink
from fusion_graph.events import CallStarted, Event
from fusion_graph.messages import Call, Completion


class Attempt(NamedTuple):
    """What is asked of whom. `ask` makes the attempt as if nobody stood in the door."""

    backend: str
    call: Call
    client: Client

    def ask(self, sink: Sink) -> Coroutine[Any, Any, Completion]:
        return self.client.complete(self.call, sink)


class Doorkeeper(Protocol):
    """Answers one attempt, by asking the model or in its place. Raises what a client raises."""

    async def __call__(self, attempt: Attempt, sink: Sink) -> Completion: ...


def guarded(providers: Mapping[str, Provider], keeper: Doorkeeper) -> Mapping[str, Provider]:
    """The same providers, each with the keeper in its door."""
    return _Guarded(providers, keeper)


def closed(keeper: Doorkeeper, *, name: str, free: bool = False) -> Provider:
    """A provider with nobody behind the door: the keeper answers everything."""
    return Provider(name=name, summary="", open=lambda backend: _Door(backend.name, _Nobody(), keeper), free=free)


class _Guarded(Mapping[str, Provider]):
    """A provider is looked up when it is asked for: those that nobody uses need not be imported."""

    def __init__(self, providers: Mapping[str, Provider], keeper: Doorkeeper) -> None:
        self._providers = providers
        self._keeper = keeper

    def __getitem__(self, name: str) -> Provider:
        provider = self._providers[name]
        return replace(provider, open=_opener(provider, self._keeper))

    def __iter__(self) -> Iterator[str]:
        return iter(self._providers)

    def __len__(self) -> int:
        return len(self._providers)


def _opener(provider: Provider, keeper: Doorkeeper) -> Callable[[Backend], Client]:
    return lambda backend: _Door(backend.name, provider.open(backend), keeper)


class _Door:
    """A client that lets the keeper answer."""

    __slots__ = ("_backend", "_client", "_keeper")

    def __init__(self, backend: str, client: Client, keeper: Doorkeeper) -> None:
        self._backend = backend
        self._client = client
        self._keeper = keeper

    def complete(self, call: Call, sink: Sink) -> Coroutine[Any, Any, Completion]:
        return self._keeper(Attempt(self._backend, call, self._client), sink)

    async def aclose(self) -> None:
        await self._client.aclose()


class _Nobody:
    """Behind a closed door."""

    async def complete(self, call: Call, sink: Sink) -> Completion:
        raise AssertionError((call.model, sink))

    async def aclose(self) -> None:
        pass


class Caller:
    """Which node makes the attempt that stands in the door: the engine tells of each right before it leaves. Give it
    every event of the run."""

    __slots__ = ("_started",)

    def __init__(self) -> None:
        self._started: dict[int, CallStarted] = {}

    def __call__(self, event: Event) -> None:
        if type(event) is CallStarted:
            self._started[id(event.request)] = event

    def node(self, call: Call) -> str:
        """To be asked once per attempt; "" where nobody listens."""
        event = self._started.pop(id(call), None)
        return event.node if event is not None else ""
