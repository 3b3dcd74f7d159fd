"""A server from the command line: settings, pipelines and engine put together in one process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fusion_graph import settings
from fusion_graph.commands import _console
from fusion_graph.commands._serve import workers
from fusion_graph.engine.tooled import check_tools
from fusion_graph.errors import UsageError
from fusion_graph.graph.pipeline_tests import is_tests
from fusion_graph.providers import PROVIDERS
from fusion_graph.server._app import Server, open_server, serve
from fusion_graph.server._auth import Key, keys_of, read_keys
from fusion_graph.server._failures import Failures
from fusion_graph.server._limits import Limits
from fusion_graph.server._logs import Log
from fusion_graph.server._options import ServerOptions, read_options
from fusion_graph.server._pipelines import DEFAULT, Library, Source, Surroundings
from fusion_graph.server._replay import remembering
from fusion_graph.server._rings import refuse_ring
from fusion_graph.store.caches import Caches
from fusion_graph.wiring import backends, engines, pipelines
from fusion_graph.wiring.tools import server_toolbox

if TYPE_CHECKING:
    from fusion_graph.engine.pricing import Prices
    from fusion_graph.graph.bound import Bound
    from fusion_graph.server._telemetry import Telemetry
    from fusion_graph.store.cache import Cache
    from fusion_graph.store.journal import Journal
    from fusion_graph.toolbox import Toolbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the command line says of pipelines and prices."""

    config: str | None = None
    folder: str | None = None
    prices: str | None = None
    otel: bool = False
    journal: bool = False
    allow_tools: tuple[str, ...] = ()


def perform(given: Given, *, shared_port: bool = False, **flags: Any) -> int:
    """Serve until told to end. Returns the exit code."""
    log = Log(sys.stderr.buffer, as_json=flags["log_json"])
    telemetry = _telemetry(log, content=flags["log_content"]) if given.otel else None
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(given, log, telemetry, shared_port=shared_port, **flags))
    finally:
        if telemetry is not None:
            telemetry.close()
    return 0


async def _serve(given: Given, log: Log, telemetry: Telemetry | None, *, shared_port: bool, **flags: Any) -> None:
    setup = settings.load()
    options = read_options(setup.server, **flags)
    selection = await backends.select(setup)
    prices = engines.prices(given.prices)
    tools = await server_toolbox(setup, given.allow_tools)
    limits, failures = await _shared(setup, options, log)
    journal = open_journal(setup) if given.journal else None
    caches = Caches(lambda: _open_cache(setup))
    providers = remembering(PROVIDERS)  # what was paid for and not delivered
    try:
        server = await open_server(
            options,
            fusion=engines.open_fusion(selection, prices, tools, providers=providers),
            library=Library(
                lambda: sources(given),
                surroundings(setup, selection, prices, tools, options),
                panel=options.expose_panel,
            ),
            keys=_keys(setup),
            backend=selection.default,
            log=log,
            limits=limits,
            failures=failures,
            telemetry=telemetry,
            journal=journal,
            caches=caches,
            reuse_port=shared_port,
        )
    except BaseException:
        await failures.aclose()
        await limits.aclose()
        raise

    def ready() -> None:
        if shared_port:
            workers.end_with_parent()
        _tell(server, options, selection)

    try:
        await serve(server, ready)
    finally:
        caches.close()
        if journal is not None:
            journal.close()


def surroundings(
    setup: settings.Settings,
    selection: backends.Selection,
    prices: Prices,
    tools: Toolbox,
    options: ServerOptions | None = None,
) -> Surroundings:
    """`options`: of the server at whose host and port pipelines are served, which they must not call."""
    own = ("", 0) if options is None else (options.host, options.port)

    def fit(bound: Bound) -> Bound:
        fitted = backends.fit_models(bound, selection)[0]
        refuse_ring(fitted, selection.backends, selection.default, *own)
        return fitted

    def missing(bound: Bound) -> str:
        try:
            backends.require_keys(bound, selection)
            check_tools(bound, tools)
        except UsageError as error:
            return error.message
        return ""

    return Surroundings(
        fit=fit,
        missing=missing,
        rates=engines.rates(setup, prices),
        deadline_s=None if options is None else options.deadline_s,
    )


def open_journal(setup: settings.Settings) -> Journal:
    """Where runs are written down. One that cannot be written keeps nobody from being served."""
    from fusion_graph.store.journal import Journal
    from fusion_graph.store.options import read_options as read_store_options

    told = "runs of this server cannot be looked at later"
    journal = Journal(setup.home, tell=lambda why: _console.err(f"journal: off ({why}): {told}"))
    journal.prune(read_store_options(setup.store))
    journal.check()
    return journal


def _open_cache(setup: settings.Settings) -> Cache:
    from fusion_graph.commands._journal import open_cache

    return open_cache(setup)


async def _shared(setup: settings.Settings, options: ServerOptions, log: Log) -> tuple[Limits, Failures]:
    """What this process keeps alone, or in Redis with all servers that name the same one."""
    if not setup.redis_url:
        return Limits(), Failures()
    from fusion_graph.server._shared_failures import open_failures
    from fusion_graph.server._shared_limits import SharedLimits, connect

    client = await connect(setup.redis_url)
    longest = options.queue_s + options.deadline_s + options.write_s + options.drain_s
    return SharedLimits(client, lease_s=longest, log=log), await open_failures(client, log=log)


def _telemetry(log: Log, *, content: bool) -> Telemetry:
    from fusion_graph.server._telemetry import exporting

    try:
        return exporting(log, content=content)
    except ImportError:
        raise UsageError("--otel needs OpenTelemetry", hint="pip install 'fusion-graph[otel]'") from None


def sources(given: Given) -> list[Source]:
    """The files to serve, the default pipeline first. Raises UsageError."""
    found: list[Source] = []
    if given.config:
        path = pipelines.locate(given.config)
        found = [_source(path, DEFAULT), _source(path)]
    if given.folder:
        folder = Path(given.folder)
        if not folder.is_dir():
            raise UsageError(f"there is no folder {folder}", hint="correct --pipelines")
        files = sorted(path for path in folder.iterdir() if path.suffix in pipelines.SUFFIXES and not is_tests(path))
        if not files:
            raise UsageError(f"{folder} holds no pipeline", hint="files that end in .yaml")
        found += [_source(path) for path in files if not (given.config and path.samefile(found[0].file))]
    if not given.config:
        found.insert(0, _source(pipelines.presets()[pipelines.DEFAULT_PIPELINE], DEFAULT))
    return found


def _source(path: Path, name: str = "") -> Source:
    return Source(str(path), path.read_bytes, name)


def _keys(setup: settings.Settings) -> Sequence[Key]:
    file = setup.server.get("keys_file")
    beside = setup.file.parent if setup.file else Path()
    named = read_keys(beside / file) if isinstance(file, str) and file else ()
    return (*keys_of(setup.server_keys), *named)


def _tell(server: Server, options: ServerOptions, selection: backends.Selection) -> None:
    _console.out(server.url)
    names = ", ".join(one.id for one in server.service.shelf.pipelines)
    _console.err(f"models: {names}; backend: {selection.default} ({selection.why})")
    for one in server.service.shelf.pipelines:
        if one.missing:
            _console.err(f"warning: {one.missing}; {one.id} answers with an error until it is set")
    if not options.loopback and not len(server.service.keys):
        _console.err("warning: anybody who can reach this address may spend your money")


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop if it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
