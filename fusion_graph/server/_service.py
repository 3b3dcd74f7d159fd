"""What all requests share, and what one request carries through the handlers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fusion_graph import __version__
from fusion_graph.server._admission import Admission
from fusion_graph.server._auth import ANYONE, Key, Keys
from fusion_graph.server._errors import SERVER, forbidden, model_not_found
from fusion_graph.server._failures import Failures
from fusion_graph.server._limits import Limits
from fusion_graph.server._logs import Log, telling
from fusion_graph.server._metrics import Metrics
from fusion_graph.server._peers import Peers
from fusion_graph.server._pipelines import Library, Served, Shelf
from fusion_graph.server._replay import Replays
from fusion_graph.server._sharing import Sharing

if TYPE_CHECKING:
    from fusion_graph.engine.fusion import Fusion
    from fusion_graph.server._errors import Refused
    from fusion_graph.server._options import ServerOptions
    from fusion_graph.server._request import Request
    from fusion_graph.server._telemetry import Telemetry
    from fusion_graph.store.caches import Caches
    from fusion_graph.store.journal import Journal


MAX_NOTED = 1000
CLIENTS = ("openai", "anthropic", "claude-cli", "codex", "langchain", "litellm")
"""What a `User-Agent` may hold that sends again by itself, in a way of its own."""


@dataclass(slots=True, kw_only=True)
class Service:
    """One server. `shelf` is swapped as a whole by `reload`."""

    options: ServerOptions
    fusion: Fusion
    library: Library
    shelf: Shelf
    keys: Keys
    admission: Admission
    backend: str  # the default backend's name
    log: Log
    limits: Limits = field(default_factory=Limits)
    metrics: Metrics = field(default_factory=Metrics)
    replays: Replays = field(default_factory=Replays)
    failures: Failures = field(default_factory=Failures)
    sharing: Sharing = field(default_factory=Sharing)
    peers: Peers = field(default_factory=Peers)
    telemetry: Telemetry | None = None  # OpenTelemetry, if the operator wants it
    journal: Journal | None = None  # where runs are written down, likewise
    caches: Caches | None = None  # replies that runs of a key may take from each other, where a node says so
    clock: Callable[[], float] = time.time
    _noted: set[tuple[str, str]] = field(default_factory=set)

    def find(self, name: str, key: Key) -> Served:
        """The pipeline of a name, if this key may use it. Raises Refused."""
        served = self.shelf.find(name)
        if served is None:
            raise model_not_found(name)
        if not key.may_use(served.id):
            raise forbidden("this key may not use this model", "model_not_allowed")
        return served

    def allows(self, model: str) -> bool:
        """May a request put this model into a pipeline? Anything that is a slug, while only this machine can ask."""
        if self.options.loopback and not self.keys and not self.options.allow_models:
            return self.shelf.slug(model)
        return self.shelf.allows(model)

    def note_ignored(self, key: Key, names: Sequence[str]) -> None:
        """Each field of each key is told once."""
        for name in names:
            if (key.name, name) not in self._noted and len(self._noted) < MAX_NOTED:
                self._noted.add((key.name, name))
                self.log.say("ignored", key=key.name, field=name)

    def reload(self) -> list[str]:
        """Read all pipelines again. Returns what was wrong with those that keep their old version."""
        self.shelf, faults = self.library.load(self.options.aliases, self.options.allow_models, strict=False)
        return faults

    @property
    def version(self) -> str:
        return __version__


def tokens() -> Iterator[str]:
    """Random, 52 digits each. A draw is a system call, so it is for many."""
    while True:
        drawn = secrets.token_hex(26 * 64)
        yield from (drawn[start : start + 52] for start in range(0, len(drawn), 52))


TOKENS = tokens()


class Exchange:
    """One request on its way. `tail` is what a route's path left open; `told` goes into its log line as it is."""

    __slots__ = (
        "cors", "failed", "id", "insistent", "key", "request", "route", "run_id", "service", "tail", "token", "told",
        "tries",
    )  # fmt: skip

    def __init__(self, service: Service, request: Request) -> None:
        self.service = service
        self.request = request
        self.key = ANYONE
        self.route, self.tail = "?", ""
        self.token = next(TOKENS)  # of all its ids
        self.id = f"req_{self.token[:24]}"
        self.run_id = ""
        self.told: dict[str, Any] = {}
        self.failed: Refused | None = None  # what a run of it ended with, where that must not be bought again at once
        self.tries = 0  # how often the same request failed of late
        self.insistent = False  # its client sends again, whatever it is told
        self.cors = ""  # what a page that may call is told

    @property
    def head(self) -> str:
        """The lines every answer carries: the id under two names, as two families of SDKs read one each."""
        run = f"x-fusion-run-id: {self.run_id}\r\n" if self.run_id else ""
        return f"x-request-id: {self.id}\r\nrequest-id: {self.id}\r\nServer: {SERVER}\r\n{self.cors}{run}"

    def note(self, **told: Any) -> None:
        """For the log line, as far as it says something."""
        self.told |= telling(told)

    def count_replay(self, told_by: str) -> None:
        """The client sends again what it has sent before."""
        agent = self.request.headers.get("User-Agent", "").lower()
        client = next((name for name in CLIENTS if name in agent), "other")
        self.service.metrics.count("replays_total", client, self.route, told_by)
