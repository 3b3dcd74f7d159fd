"""OpenTelemetry after the GenAI conventions: one span per run, one client span per attempt under it. Told after the
run, from its events; names, counts and reasons, never texts. Needs the `otel` extra; without it nothing is imported."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from fusion_graph.events import CallFailed, CallFinished, CallStarted

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

    from fusion_graph.engine.report import RunResult

NANO = 1_000_000_000


class Spans:
    """Tells finished runs to whatever exporter the environment of OpenTelemetry names."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        from opentelemetry import trace

        self._tracer: Tracer = trace.get_tracer("fusion_graph", tracer_provider=provider)

    def tell(self, name: str, result: RunResult, ended_at: float | None = None) -> None:
        """`ended_at`: wall time in seconds, now if not given."""
        from opentelemetry import trace

        total = result.timing_s["total"]
        began = int(((time.time() if ended_at is None else ended_at) - total) * NANO)
        attributes: dict[str, Any] = {
            "gen_ai.operation.name": "invoke_workflow",
            "gen_ai.workflow.name": name,
            "fusion.run_id": result.run_id,
            "fusion.state": result.state,
            "fusion.degraded": len(result.degraded),
            "gen_ai.usage.input_tokens": result.usage.prompt_tokens,
            "gen_ai.usage.output_tokens": result.usage.completion_tokens,
        }
        if result.cost_usd is not None:
            attributes["fusion.cost_usd"] = result.cost_usd
        span = self._tracer.start_span(f"invoke_workflow {name}", attributes=attributes, start_time=began)
        if result.error is not None:
            _fail(span, result.error.reason)
        self._tell_calls(result, began, trace.set_span_in_context(span))
        span.end(began + int(total * NANO))

    def _tell_calls(self, result: RunResult, began: int, context: Any) -> None:
        from opentelemetry.trace import SpanKind

        open_: dict[tuple[str, int, int], CallStarted] = {}
        for event in result.events:
            if isinstance(event, CallStarted):
                open_[event.node, event.call, event.attempt] = event
            elif isinstance(event, CallFinished | CallFailed):
                start = open_.pop((event.node, event.call, event.attempt), None)
                if start is None:
                    continue
                span = self._tracer.start_span(
                    f"chat {event.model}",
                    context=context,
                    kind=SpanKind.CLIENT,
                    attributes={
                        "gen_ai.operation.name": "chat",
                        "gen_ai.request.model": event.model,
                        "gen_ai.usage.input_tokens": event.usage.prompt_tokens,
                        "gen_ai.usage.output_tokens": event.usage.completion_tokens,
                        "fusion.node": event.node,
                        "fusion.attempt": event.attempt,
                    },
                    start_time=began + int(start.at * NANO),
                )
                if isinstance(event, CallFailed):
                    _fail(span, event.reason)
                else:
                    span.set_attribute("gen_ai.response.finish_reasons", [event.completion.finish_reason])
                span.end(began + int(event.at * NANO))


def _fail(span: Span, reason: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("error.type", reason)
    span.set_status(Status(StatusCode.ERROR))


def exporting() -> Spans:
    """Spans that leave by OTLP over HTTP, to where OTEL_EXPORTER_OTLP_ENDPOINT says. Raises ImportError without the
    extra."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "fusion_graph"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Spans(provider)
