"""Spans after the GenAI conventions. `_spans` tells them after each run, through `_telemetry`."""

from __future__ import annotations

import pytest

from tests.server.stand import UPSTREAM_KEY, stand

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from fusion_graph.server._telemetry import Telemetry


async def told(*faults: str, content: bool = False) -> list[ReadableSpan]:
    """The spans of one run whose first calls of a/x failed so."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with stand() as at:
        at.server.service.telemetry = Telemetry(provider, NoOpMeterProvider(), content=content)
        at.upstream.faults["a/x"].extend(faults)
        await at.ask(messages=[{"role": "user", "content": "a secret question"}])
    return list(exporter.get_finished_spans())


async def test_one_span_a_run_and_one_a_call() -> None:
    *calls, run = await told()
    assert run.name == "invoke_workflow fusion"
    assert sorted(call.name for call in calls) == ["chat a/x", "chat b/y", "chat j/j", "chat w/w"]
    assert all(call.parent and call.parent.span_id == run.context.span_id for call in calls)
    for call in calls:
        assert (run.start_time or 0) <= (call.start_time or 0) <= (call.end_time or 0) <= (run.end_time or 0)
    assert all((call.attributes or {})["gen_ai.operation.name"] == "chat" for call in calls)


async def test_failed_call_says_why() -> None:
    (failed,) = [span for span in await told("500") if span.name == "chat a/x"]
    assert (failed.attributes or {})["error.type"] == "upstream_5xx"
    assert not failed.status.is_ok


async def test_no_text_and_no_key_is_in_a_span() -> None:
    text = "".join(span.to_json() for span in await told())
    assert "secret" not in text
    assert UPSTREAM_KEY not in text
    assert "Draft of a" not in text


async def test_texts_are_told_only_to_those_who_ask() -> None:
    (run,) = [span for span in await told(content=True) if span.name == "invoke_workflow fusion"]
    assert "a secret question" in str((run.attributes or {})["gen_ai.input.messages"])
    assert "The written answer." in str((run.attributes or {})["gen_ai.output.messages"])
