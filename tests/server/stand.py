"""A whole stand for server tests: a simulated upstream on a socket, our server on another, and a client at it."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import lru_cache
from typing import Any, BinaryIO

import aiohttp

from fusion_graph.contracts import Backend
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Prices
from fusion_graph.graph import reader
from fusion_graph.kinds import KINDS
from fusion_graph.pipeline import Pipeline
from fusion_graph.providers import PROVIDERS
from fusion_graph.providers._sim.server import SimOptions, SimServer, start
from fusion_graph.providers.sim import Script
from fusion_graph.server._app import Server, open_server
from fusion_graph.server._auth import Key
from fusion_graph.server._failures import Failures
from fusion_graph.server._limits import Limits
from fusion_graph.server._logs import Log
from fusion_graph.server._options import ServerOptions
from fusion_graph.server._pipelines import Library, Served, Source, Surroundings
from fusion_graph.server._replay import remembering
from fusion_graph.store.caches import Caches
from fusion_graph.store.journal import Journal
from fusion_graph.toolbox import NO_TOOLS, Toolbox, set_apart
from tests.loopback import read_stream

UPSTREAM_KEY = "canary-upstream-5d1f"
PRICES = Prices({"a/x": (1.0, 2.0), "b/y": (1.0, 2.0), "w/w": (3.0, 4.0), "j/j": (1.0, 1.0)}, "2026-11-22")
ANALYSIS = json.dumps(
    {key: [] for key in ("consensus", "contradictions", "partial_coverage", "unique_insights", "blind_spots")}
)
PANEL = """
version: 1
name: fusion
description: Two drafts, a judge, a writer.
params:
  judge: {type: string, default: j/j}
  samples: {type: integer, default: 1, minimum: 1, maximum: 9}
defaults: {retry: {attempts: 1}, max_tokens: 100}
nodes:
  panel: {kind: layer, models: [a/x, b/y], samples: $samples}
  verdict: {kind: judge, model: $judge, inputs: [panel]}
  answer: {kind: synth, model: w/w, inputs: [panel, verdict?]}
  final: {kind: fallback, inputs: [answer, panel]}
output: final
"""
ONE = """
version: 1
name: one
defaults: {retry: {attempts: 1}}
nodes: {answer: {kind: proposer, model: w/w}}
output: answer
"""
HASTY = "{first_token_s: 0.5, idle_s: 0.5, total_s: 1.5}"
SCRIPT: Script = {"a/x": "Draft of a.", "b/y": "Draft of b.", "j/j": ANALYSIS, "w/w": "The written answer."}


class Stand:
    """The three of them. `log` holds what the server's log says, a JSON object a line."""

    def __init__(self, upstream: SimServer, server: Server, session: aiohttp.ClientSession, log: io.BytesIO) -> None:
        self.upstream = upstream
        self.server = server
        self.session = session
        self._log = log

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.port}{path}"

    def post(self, body: Mapping[str, Any] | None = None, /, **more: Any) -> Any:
        """POST to chat completions; use with `async with`."""
        headers = more.pop("headers", {})
        whole = {"model": "fusion", "messages": [{"role": "user", "content": "Why?"}], **(body or {}), **more}
        return self.session.post(self.url("/v1/chat/completions"), json=whole, headers=headers)

    async def ask(self, **more: Any) -> tuple[int, dict[str, Any]]:
        """Status and body of an answer in one piece."""
        async with self.post(**more) as response:
            return response.status, await response.json()

    async def stream(self, **more: Any) -> list[Any]:
        """Every event of a stream, read to its end; comments stay out, `[DONE]` is text."""
        async with self.post(stream=True, **more) as response:
            assert response.status == 200, await response.text()
            return events_of(await read_stream(response))

    @property
    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.getvalue().splitlines()]

    @property
    def log_text(self) -> str:
        return self._log.getvalue().decode()

    async def logged(self, event: str) -> None:
        """Until it stands in the log."""
        async with asyncio.timeout(5):
            while not any(line["event"] == event for line in self.log):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Until no run goes on and no call is open upstream."""
        async with asyncio.timeout(5):
            while self.server.service.admission.running or self.upstream.sim.running:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.01)


def hasty(pipeline: str) -> str:
    """The same pipeline without patience: what hangs is given up soon."""
    return pipeline.replace("{retry: {attempts: 1}", f"{{retry: {{attempts: 1}}, timeout: {HASTY}", 1)


def events_of(text: str) -> list[Any]:
    found: list[Any] = []
    for block in text.strip().split("\n\n"):
        if block.startswith("data: "):
            assert "\n" not in block
            payload = block.removeprefix("data: ")
            found.append(payload if payload == "[DONE]" else json.loads(payload))
    return found


def text_of(events: Sequence[Any], index: int = 0) -> str:
    """The streamed text of one choice."""
    choices = [c for e in events if isinstance(e, dict) for c in e.get("choices", ()) if c["index"] == index]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


class _Library(Library):
    """Reads the same text once for all tests: what comes of it is frozen."""

    def _read(self, source: Source) -> Served:
        pipeline = _read_once(source.file, source.read())
        return Served.of(pipeline.name, pipeline, self._around)


@lru_cache(maxsize=256)
def _read_once(file: str, text: bytes) -> Pipeline:
    return reader.load(text, file=file, kinds=KINDS)


@asynccontextmanager
async def stand(
    script: Script | None = None,
    *pipelines: str,
    keys: Sequence[Key] = (),
    upstream: SimOptions | None = None,
    surroundings: Mapping[str, Any] | None = None,
    raw_key: str = "",
    base_url: str = "",
    log: BinaryIO | None = None,
    limits: Limits | None = None,
    failures: Failures | None = None,
    journal: Journal | None = None,
    caches: Caches | None = None,
    tools: Toolbox = NO_TOOLS,
    **options: Any,
) -> AsyncIterator[Stand]:
    """Everything open; closed with it. Nothing may be left behind. `raw_key` is what the client always sends,
    `base_url` another upstream than our own, `log` a place where nobody reads."""
    sim = await start(options=upstream or SimOptions(api_key=UPSTREAM_KEY), script={**SCRIPT, **(script or {})})
    backend = Backend(name="up", base_url=base_url or sim.url, api_key=UPSTREAM_KEY)
    fusion = Fusion(
        providers=remembering(PROVIDERS),
        backends={"up": backend},
        default_backend="up",
        prices=PRICES,
        toolbox=set_apart(tools),
    )
    texts = pipelines or (PANEL, ONE)
    sources = [Source(f"p{i}.yaml", text.encode) for i, text in enumerate(texts)]
    settled = ServerOptions(**{"port": 0, "log_json": True, **options})
    around = {"rates": PRICES.rates, "deadline_s": settled.deadline_s, **(surroundings or {})}
    library = _Library(lambda: sources, Surroundings(**around))
    kept = io.BytesIO()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(sim.aclose)
        server = await open_server(
            settled,
            fusion=fusion,
            library=library,
            keys=keys,
            backend="up",
            log=Log(log or kept, as_json=True),
            journal=journal,
            caches=caches,
            limits=limits,
            failures=failures,
        )
        stack.push_async_callback(server.aclose)
        connector = aiohttp.TCPConnector(limit=0)
        sent = {"Authorization": f"Bearer {raw_key}"} if raw_key else {}
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, headers=sent))
        yield Stand(sim, server, session, kept)
