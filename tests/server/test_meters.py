"""Numbers after the GenAI conventions. `_meters` records them after each run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.server.stand import ONE, UPSTREAM_KEY, Stand, stand

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import NoOpTracerProvider

from fusion_graph.server._telemetry import Telemetry


def watch(at: Stand) -> InMemoryMetricReader:
    reader = InMemoryMetricReader()
    at.server.service.telemetry = Telemetry(NoOpTracerProvider(), MeterProvider([reader]), content=True)
    return reader


def points(reader: InMemoryMetricReader) -> dict[str, list[Any]]:
    """Data points by the name of their metric."""
    data: Any = reader.get_metrics_data()
    found = [m for r in data.resource_metrics for scope in r.scope_metrics for m in scope.metrics]
    return {metric.name: list(metric.data.data_points) for metric in found}


async def test_counts_runs_attempts_tokens_and_dollars() -> None:
    async with stand() as at:
        reader = watch(at)
        at.upstream.faults["a/x"].append("500")
        _, body = await at.ask()
    found = points(reader)
    (run,) = found["fusion.runs"]
    assert (run.value, run.attributes["fusion.state"]) == (1, "degraded")
    assert found["fusion.cost"][0].value == pytest.approx(body["fusion"]["cost_usd"])
    tokens = {(p.attributes["gen_ai.request.model"], p.attributes["gen_ai.token.type"]): p.sum
              for p in found["gen_ai.client.token.usage"]}  # fmt: skip
    assert sum(n for (_, kind), n in tokens.items() if kind == "output") == body["usage"]["completion_tokens"]
    assert sum(n for (_, kind), n in tokens.items() if kind == "input") == body["usage"]["prompt_tokens"]
    seconds = {p.attributes.get("gen_ai.request.model"): p for p in found["gen_ai.client.operation.duration"]}
    assert set(seconds) == {None, "a/x", "b/y", "j/j", "w/w"}  # None is the run as a whole
    assert seconds["a/x"].attributes["error.type"] == "upstream_5xx"


async def test_run_whose_client_left_is_counted() -> None:
    async with stand({"w/w": (asyncio.Event(),)}, ONE) as at:
        reader = watch(at)
        asking = asyncio.create_task(at.ask(model="one"))
        await at.upstream.sim.called("w/w")
        asking.cancel()
        await asyncio.wait([asking])
        await at.settled()
    assert points(reader)["fusion.runs"][0].attributes["fusion.state"] == "cancelled"


async def test_no_text_and_no_key_is_in_a_number() -> None:
    async with stand() as at:
        reader = watch(at)
        await at.ask(messages=[{"role": "user", "content": "a secret question"}])
    data: Any = reader.get_metrics_data()
    text = data.to_json()
    assert not any(word in text for word in ("secret", UPSTREAM_KEY, "Draft of a"))
