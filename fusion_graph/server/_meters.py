"""OpenTelemetry's numbers, after the GenAI conventions: tokens and seconds of every attempt, and beside them runs,
their seconds and dollars. Told after a run, from its events; attributes come from bounded sets, never from texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fusion_graph.events import CallFailed, CallFinished, CallStarted

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from fusion_graph.engine.report import RunResult

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4**power for power in range(14))
"""Bounds of buckets that the conventions name."""


class Meters:
    """Counts finished runs with a provider of meters."""

    def __init__(self, provider: MeterProvider | None = None) -> None:
        from opentelemetry import metrics

        meter: Any = metrics.get_meter("fusion_graph", meter_provider=provider)
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Tokens of one attempt at a model, by direction.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )
        self._seconds = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="Seconds of one attempt at a model, or of a whole run (invoke_workflow).",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._runs = meter.create_counter("fusion.runs", unit="{run}", description="Runs by how they ended.")
        self._cost = meter.create_counter("fusion.cost", unit="USD", description="Dollars of runs with known prices.")

    def tell(self, name: str, result: RunResult) -> None:
        """One run that ended by itself."""
        run: dict[str, str] = {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": name}
        failed = {} if result.error is None else {"error.type": _bounded(result.error.reason)}
        self._runs.add(1, {**run, "fusion.state": result.state})
        self._seconds.record(result.timing_s["total"], {**run, **failed})
        if result.cost_usd:
            self._cost.add(result.cost_usd, run)
        begun: dict[tuple[str, int, int], float] = {}
        for event in result.events:
            if isinstance(event, CallStarted):
                begun[event.node, event.call, event.attempt] = event.at
            elif isinstance(event, CallFinished | CallFailed):
                began = begun.pop((event.node, event.call, event.attempt), event.at)
                self._tell_call(event, event.at - began)

    def cancelled(self, name: str) -> None:
        """One run whose client has left."""
        self._runs.add(1, {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": name,
                           "fusion.state": "cancelled"})  # fmt: skip

    def _tell_call(self, event: CallFinished | CallFailed, seconds: float) -> None:
        call = {"gen_ai.operation.name": "chat", "gen_ai.request.model": event.model}
        failed = {"error.type": _bounded(event.reason)} if isinstance(event, CallFailed) else {}
        self._seconds.record(seconds, {**call, **failed})
        self._tokens.record(event.usage.prompt_tokens, {**call, "gen_ai.token.type": "input"})
        self._tokens.record(event.usage.completion_tokens, {**call, "gen_ai.token.type": "output"})


def _bounded(reason: str) -> str:
    """A reason without what it names."""
    return reason.partition(":")[0]
