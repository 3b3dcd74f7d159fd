"""Both signals on their way out: the real program sends OTLP over HTTP to a receiver on the loopback. `_telemetry`
opens that way."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from fusion_graph.providers._sim.server import SimOptions, start

ROOT = Path(__file__).parents[2]
UPSTREAM, CLIENT = "canary-upstream-77aa", "canary-client-91bc01"
QUESTION = "What is the canary-question?"


class Receiver:
    """What came in, by path. Bodies may be compressed; aiohttp opens them."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {}
        self.headers: list[str] = []

    async def take(self, request: web.BaseRequest) -> web.Response:
        self.bodies.setdefault(request.path, []).append(await request.read())
        self.headers.append(str(request.headers))
        return web.Response()

    @property
    def spans(self) -> list[Any]:
        told = [ExportTraceServiceRequest.FromString(body) for body in self.bodies["/v1/traces"]]
        return [s for t in told for r in t.resource_spans for scope in r.scope_spans for s in scope.spans]

    @property
    def metrics(self) -> set[str]:
        told = [ExportMetricsServiceRequest.FromString(body) for body in self.bodies["/v1/metrics"]]
        return {m.name for t in told for r in t.resource_metrics for scope in r.scope_metrics for m in scope.metrics}


async def receive(*arguments: str) -> Receiver:
    """What a server sends that answers one good request and one with a wrong key, and is then told to end."""
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver.take))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    upstream = await start(options=SimOptions(api_key=UPSTREAM))
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "FUSION_BASE_URL": upstream.url,
        "FUSION_API_KEY": UPSTREAM,
        "FUSION_SERVER_KEYS": CLIENT,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{runner.addresses[0][1]}",
    }
    program = [sys.executable, "-m", "fusion_graph", "serve", "--port", "0", "--otel", *arguments]
    process = await asyncio.create_subprocess_exec(
        *program, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession() as session:
            for key, status in ((CLIENT, 200), ("canary-wrong-key", 401)):
                body = {"model": "fusion", "messages": [{"role": "user", "content": QUESTION}]}
                headers = {"Authorization": f"Bearer {key}"}
                async with session.post(f"{url}/chat/completions", json=body, headers=headers) as response:
                    assert response.status == status, await response.text()
        process.send_signal(signal.SIGTERM)
        _, told = await process.communicate()
        assert process.returncode == 0, told
        assert b"canary" not in told or "--log-content" in arguments
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await upstream.aclose()
        await runner.cleanup()
    return receiver


async def test_both_signals_arrive_without_texts_and_keys() -> None:
    got = await receive()
    spans = got.spans
    names = [span.name for span in spans]
    assert names.count("invoke_workflow fusion") == 1
    assert sum(name.startswith("chat ") for name in names) >= 3
    (run,) = [span for span in spans if not span.parent_span_id]
    assert all(span.parent_span_id == run.span_id for span in spans if span is not run)
    assert {"gen_ai.client.token.usage", "gen_ai.client.operation.duration", "fusion.runs"} <= got.metrics
    everything = b"".join(body for bodies in got.bodies.values() for body in bodies)
    assert b"canary" not in everything
    assert b"fusion_graph" in everything  # it can be read, so it would have been found
    assert not any("canary" in headers for headers in got.headers)


async def test_content_goes_out_when_asked_and_keys_never() -> None:
    got = await receive("--log-content")
    everything = b"".join(body for bodies in got.bodies.values() for body in bodies)
    assert QUESTION.encode() in everything
    assert not any(key.encode() in everything for key in (UPSTREAM, CLIENT, "canary-wrong-key"))
