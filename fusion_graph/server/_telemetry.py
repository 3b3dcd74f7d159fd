"""Spans and numbers of runs for OpenTelemetry, and their way out: OTLP over HTTP. Needs the `otel` extra; without it
nothing is imported."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fusion_graph.server._meters import Meters
from fusion_graph.server._spans import Spans

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from fusion_graph.engine.report import RunResult
    from fusion_graph.messages import Message
    from fusion_graph.server._logs import Log


CLOSE_S = 2.0  # for each signal; a receiver that is gone does not keep us


class _Handler(logging.Handler):
    """What OpenTelemetry complains of is a line of our log."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.say("telemetry", warning=record.getMessage()[:300])


class Telemetry:
    """Both signals. `content`: prompts and answers are told too."""

    def __init__(
        self, tracers: TracerProvider, meters: MeterProvider, *, content: bool, close: Callable[[], None] = lambda: None
    ) -> None:
        self.close = close
        self._spans = Spans(tracers)
        self._meters = Meters(meters)
        self._content = content

    def tell(self, name: str, result: RunResult, conversation: Sequence[Message]) -> None:
        """One run that ended by itself."""
        self._spans.tell(name, result, conversation if self._content else None)
        self._meters.tell(name, result)

    def cancelled(self, name: str) -> None:
        """One run whose client has left; what it did is not told."""
        self._meters.cancelled(name)


def exporting(log: Log, *, content: bool) -> Telemetry:
    """To where OTEL_EXPORTER_OTLP_ENDPOINT says; `close` sends what is left, if the receiver is there. Raises
    ImportError without the extra."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    ours = Resource.create({"service.name": "fusion_graph"})
    tracers = TracerProvider(resource=ours, shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())], ours, shutdown_on_exit=False)

    def close() -> None:
        closing = [threading.Thread(target=one.shutdown, daemon=True) for one in (tracers, meters)]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join(CLOSE_S)

    logging.getLogger("opentelemetry").addHandler(_Handler(log))
    logging.getLogger("opentelemetry").propagate = False
    return Telemetry(tracers, meters, content=content, close=close)
