"""OpenTelemetry after the GenAI conventions: one span per run, one client span per attempt under it. Told after the
run, from its events: names, counts and reasons; texts only where the operator asks for them. Needs the `otel` extra;
without it nothing is imported."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fusion_graph.events import CallFailed, CallFinished, CallStarted

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

    from fusion_graph.engine.report import RunResult
    from fusion_graph.messages import Message

NANO = 1_000_000_000


class Spans:
    """Tells finished runs to a provider of spans."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        from opentelemetry import trace

        self._tracer: Tracer = trace.get_tracer("fusion_graph", tracer_provider=provider)

    def tell(self, name: str, result: RunResult, conversation: Sequence[Message] | None = None) -> None:
        """One run that ended just now. With its `conversation` it and the answer are told too."""
        from opentelemetry import trace

        total = result.timing_s["total"]
        began = int((time.time() - total) * NANO)
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
        if conversation is not None:
            attributes |= _texts(conversation, result)
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


def _texts(conversation: Sequence[Message], result: RunResult) -> dict[str, str]:
    """Both sides as JSON, in the form of the conventions."""
    asked = [{"role": m.role, "parts": [{"type": "text", "content": m.text}]} for m in conversation]
    told = [
        {"role": "assistant", "parts": [{"type": "text", "content": d.text}], "finish_reason": d.finish_reason}
        for d in result.choices
    ]
    return {"gen_ai.input.messages": json.dumps(asked), "gen_ai.output.messages": json.dumps(told)}
