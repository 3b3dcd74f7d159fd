"""The sim as a real upstream: the OpenAI chat-completions API over HTTP, with every fault of `_sim/faults` on demand.

A fault is asked for by the model (`sim/fault-<name>`), by the options (for all calls or a share of them), or queued by
`POST /_sim/script {"faults": {"a/x": ["429", "", "cut"]}, "replies": {"a/x": ["text", ...]}}` (`*` = any model, an
empty name = no fault). `GET /_sim/received` lists what came in. Identical requests without a seed differ in reply.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

from aiohttp import web

from fusion_graph.errors import UsageError
from fusion_graph.messages import Call, Usage
from fusion_graph.providers._sim.faults import FAULTS, PREFIX, Fault, find_fault
from fusion_graph.providers._sim.http import ReplyWriter, read_call
from fusion_graph.providers._sim.mind import Mind
from fusion_graph.providers._sim.play import play
from fusion_graph.providers.sim import SPEEDS, Pace, Script, SimClient

_MAX_BODY_BYTES = 32 << 20
_MOST_KEPT = 10_000  # requests, and counts of identical ones


@dataclass(frozen=True, slots=True, kw_only=True)
class SimOptions:
    """How the upstream behaves. `fault` (a name in FAULTS) hits `fault_share` of all calls. With `api_key` every call
    must carry it; with `usd_per_mtok` replies report a cost."""

    mind: Mind = field(default_factory=Mind)
    pace: Pace = field(default_factory=Pace)
    fault: str = ""
    fault_share: float = 1.0
    usd_per_mtok: float | None = None
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request, as it came. `connection` tells which connection it came on, numbered from 1."""

    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, Any]
    connection: int


class SimServer:
    """A running upstream, made by `start`. `sim` answers what no fault answers; `received` is all that came in."""

    def __init__(self, options: SimOptions, script: Script | None = None) -> None:
        if options.fault and options.fault not in FAULTS:
            raise UsageError(f"there is no fault {options.fault!r}", hint="one of: " + ", ".join(FAULTS))
        self.options = options
        self.sim = SimClient(script, mind=options.mind, pace=options.pace)
        self.faults: defaultdict[str, deque[str]] = defaultdict(deque)
        self.received: list[Received] = []
        self.trapped = 0  # requests that followed a redirect: there must be none
        self.url = ""  # the base URL for a backend
        self.port = 0
        self._connections: WeakKeyDictionary[asyncio.BaseTransport, int] = WeakKeyDictionary()
        self._same: Counter[bytes] = Counter()
        self._dice = random.Random(0)  # noqa: S311 - which calls suffer the fault; no secret
        self._runner = web.AppRunner(
            self._app(), handler_cancellation=True, access_log=None, shutdown_timeout=0.1, max_line_size=1 << 16
        )

    async def open(self, host: str, port: int) -> None:
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}/v1"

    async def aclose(self) -> None:
        await self._runner.cleanup()

    @property
    def connections(self) -> int:
        """How many connections requests came on, over all time."""
        return max((request.connection for request in self.received), default=0)

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/_sim/script", self._script)
        app.router.add_get("/_sim/received", self._list)
        app.router.add_route("*", "/_sim/trap", self._trap)
        return app

    # --- endpoints ---

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.json()
            call = read_call(body)
        except (ValueError, KeyError, TypeError, AttributeError):
            return web.json_response({"error": {"message": "not a chat request", "code": 400}}, status=400)
        for kept in (self.received, self.sim.received, self.sim.cancelled):
            del kept[:-_MOST_KEPT]
        self.received.append(Received(headers=request.headers, body=body, connection=self._connection(request)))
        key = self.options.api_key
        fault = self._fault(call.model)
        if key and request.headers.get("Authorization") != f"Bearer {key}":
            fault = FAULTS["401"]
        if fault is not None:
            await play(fault.raw, request)
            return web.Response()  # the connection is gone: this goes nowhere
        try:
            return await ReplyWriter(request, body, self._cost).write(self.sim, self._drawn(call, body))
        except ConnectionResetError:  # the client left while it was written to: nobody's fault
            return web.Response()

    async def _models(self, _request: web.Request) -> web.Response:
        names = [*SPEEDS, "sim/alpha", "sim/beta", "sim/gamma", *(f"{PREFIX}{name}" for name in FAULTS)]
        entries = [{"id": name, "object": "model", "created": 0, "owned_by": "sim"} for name in names]
        return web.json_response({"object": "list", "data": entries, "simulated": True})

    async def _script(self, request: web.Request) -> web.Response:
        try:
            wanted = await request.json()
            faults = {model: list(names) for model, names in wanted.get("faults", {}).items()}
            self.sim.script.update(wanted.get("replies", {}))
        except (ValueError, TypeError, AttributeError):
            return web.json_response({"error": {"message": "not a script", "code": 400}}, status=400)
        for model, names in faults.items():
            self.faults[model].extend(names)
        return web.json_response({"ok": True})

    async def _list(self, _request: web.Request) -> web.Response:
        seen = [{"body": dict(one.body), "connection": one.connection} for one in self.received]
        return web.json_response({"received": seen, "trapped": self.trapped})

    async def _trap(self, _request: web.Request) -> web.Response:
        self.trapped += 1
        return web.json_response({})

    # --- what a call gets ---

    def _fault(self, model: str) -> Fault | None:
        for queue in (self.faults[model], self.faults["*"]):
            if queue:
                return FAULTS.get(queue.popleft())
        if self.options.fault and self._dice.random() < self.options.fault_share:
            return FAULTS[self.options.fault]
        return find_fault(model)

    def _drawn(self, call: Call, body: Mapping[str, Any]) -> Call:
        """The k-th identical request without a seed is the k-th draw."""
        if call.sampling.seed is not None:
            return call
        if len(self._same) > _MOST_KEPT:
            self._same.clear()
        asked = {name: value for name, value in body.items() if not name.startswith("stream")}
        key = hashlib.blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=16).digest()
        self._same[key] += 1
        return replace(call, draw=(0, self._same[key] - 1, 0, 0))

    def _cost(self, usage: Usage) -> float | None:
        price = self.options.usd_per_mtok
        return None if price is None else usage.total_tokens * price / 1e6

    def _connection(self, request: web.Request) -> int:
        transport = request.transport
        if transport is None:
            return 0
        return self._connections.setdefault(transport, len(self._connections) + 1)


async def start(
    host: str = "127.0.0.1", port: int = 0, options: SimOptions | None = None, script: Script | None = None
) -> SimServer:
    """Port 0 = a free one. Ended by the server's `aclose`."""
    server = SimServer(options or SimOptions(), script)
    await server.open(host, port)
    return server


async def serve(
    host: str, port: int, options: SimOptions | None = None, ready: Callable[[str], None] = lambda _url: None
) -> None:
    """Serve until cancelled. `ready` gets the base URL once calls are accepted."""
    server = await start(host, port, options)
    try:
        ready(server.url)
        await asyncio.Event().wait()
    finally:
        await server.aclose()
