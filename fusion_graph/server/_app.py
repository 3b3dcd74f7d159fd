"""A server on a socket: opens, reloads on SIGHUP, drains on SIGTERM and SIGINT, closes."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from aiohttp import http_parser, web

from fusion_graph.contracts import Route
from fusion_graph.errors import UsageError
from fusion_graph.listening import cannot_listen
from fusion_graph.server._admission import Admission
from fusion_graph.server._auth import Key, Keys
from fusion_graph.server._dispatch import Dispatcher
from fusion_graph.server._failures import Failures
from fusion_graph.server._limits import Limits
from fusion_graph.server._listener import Listener, quiet_logger, tls_context
from fusion_graph.server._logs import Log
from fusion_graph.server._metrics import watch_loop
from fusion_graph.server._options import ServerOptions
from fusion_graph.server._peers import Peers
from fusion_graph.server._service import Service

if TYPE_CHECKING:
    from fusion_graph.engine.fusion import Fusion
    from fusion_graph.server._pipelines import Library
    from fusion_graph.server._telemetry import Telemetry
    from fusion_graph.store.caches import Caches
    from fusion_graph.store.journal import Journal


SWEEPS = (20_000, 10, 3)
"""A command is over before its garbage matters; a server also looks at what outlived the first sweeps."""


class Server:
    """A running server, made by `open_server`."""

    def __init__(self, service: Service, routes: Mapping[str, Route]) -> None:
        self.service = service
        options = service.options
        self._http = Listener(
            Dispatcher(service, routes),
            most=options.max_connections,
            write_s=options.write_s,
            handler_cancellation=True,
            access_log=None,
            logger=quiet_logger(),
            keepalive_timeout=options.header_s,
        )
        self._runner = web.ServerRunner(self._http, shutdown_timeout=1.0)
        self._watch: asyncio.Task[None] | None = None

    async def open(self, *, reuse_port: bool = False) -> None:
        options = self.service.options
        tls = tls_context(options)
        await self._runner.setup()
        try:
            await web.TCPSite(
                self._runner,
                options.host,
                options.port,
                reuse_port=reuse_port or None,
                backlog=1024,
                ssl_context=tls,
            ).start()
        except OSError as fault:
            await self._runner.cleanup()
            raise cannot_listen(options.host, options.port, fault, option="--port") from None
        self._watch = asyncio.create_task(watch_loop(self.service.metrics))

    @property
    def port(self) -> int:
        return int(self._runner.addresses[0][1])

    @property
    def url(self) -> str:
        host = self.service.options.host
        scheme = "https" if self.service.options.tls_cert else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}/v1"

    @property
    def connections(self) -> int:
        return len(self._http.connections)

    def reload(self) -> None:
        """Read all pipelines again; a broken one keeps its old version, and the log says so."""
        try:
            faults = self.service.reload()
        except UsageError as fault:
            faults = [str(fault)]
        for told in faults:
            self.service.log.say("reload", error=told)
        self.service.log.say("reload", pipelines=len(self.service.shelf.pipelines))

    async def aclose(self, drain_s: float = 0.0) -> None:
        """No new runs; running ones may end within the time; then everything closes."""
        stopped = await self.service.admission.drain(drain_s)
        if stopped:
            self.service.log.say("drained", stopped=stopped)
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        await self._runner.cleanup()
        await self.service.failures.aclose()
        await self.service.limits.aclose()
        await self.service.fusion.aclose()


async def open_server(
    options: ServerOptions,
    *,
    fusion: Fusion,
    library: Library,
    keys: Sequence[Key] = (),
    backend: str = "",
    log: Log | None = None,
    telemetry: Telemetry | None = None,
    limits: Limits | None = None,
    failures: Failures | None = None,
    journal: Journal | None = None,
    caches: Caches | None = None,
    reuse_port: bool = False,
) -> Server:
    """A server that takes requests. Raises UsageError or PipelineError: nothing half-open is left."""
    from fusion_graph.server import ROUTES

    _check_reach(options, keys)
    shelf, _ = library.load(options.aliases, options.allow_models)
    service = Service(
        options=options,
        fusion=fusion,
        library=library,
        shelf=shelf,
        keys=Keys(keys),
        admission=Admission(max_runs=options.max_runs, max_queue=options.max_queue, queue_s=options.queue_s),
        backend=backend,
        log=log or Log(None, as_json=False),
        peers=Peers(options.proxies),
        telemetry=telemetry,
        limits=limits or Limits(),
        failures=Failures() if failures is None else failures,  # an empty one is false
        journal=journal,
        caches=caches,
    )
    server = Server(service, ROUTES)
    await server.open(reuse_port=reuse_port)
    return server


def _check_reach(options: ServerOptions, keys: Sequence[Key]) -> None:
    if not options.loopback and not keys and not options.insecure_open:
        raise UsageError(
            f"{options.host} can be reached from elsewhere, and no key is set",
            hint="set FUSION_SERVER_KEYS or keys_file, or say --insecure-open",
        )
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise UsageError("aiohttp runs without its C parser here", hint="install a wheel of aiohttp for this Python")


async def serve(server: Server, ready: Callable[[], None] = lambda: None) -> None:
    """Until SIGTERM or SIGINT; then drain and close. A second signal does not wait."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    hurry = asyncio.Event()

    def end() -> None:
        (hurry if over.is_set() else over).set()

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, end)
    with contextlib.suppress(AttributeError):
        loop.add_signal_handler(signal.SIGHUP, server.reload)
    gc.freeze()  # what is there by now stays: no sweep needs to go over it, so even a full one is cheap
    gc.set_threshold(*SWEEPS)
    ready()
    await over.wait()
    server.service.log.say("draining", runs=server.service.admission.running)
    closing = asyncio.create_task(server.aclose(server.service.options.drain_s))
    hurrying = asyncio.create_task(hurry.wait())
    await asyncio.wait([closing, hurrying], return_when=asyncio.FIRST_COMPLETED)
    if not closing.done():
        for ticket in list(server.service.admission.tickets):
            ticket.stop()
    hurrying.cancel()
    await closing
