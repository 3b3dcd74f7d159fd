"""Counters and gauges in Prometheus' text form. Labels come from bounded sets: what is served, states, reason
codes."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from fusion_graph.engine.report import RunResult

BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
HELP = {
    "requests_total": "Requests by route and status.",
    "runs_total": "Runs by pipeline and how they ended.",
    "nodes_total": "Nodes by role and how they ended.",
    "calls_total": "Attempts at models by outcome.",
    "tokens_total": "Tokens of all attempts by direction.",
    "cost_usd_total": "Dollars of all attempts with a known price.",
    "degraded_total": "Entries of degraded by reason.",
    "replays_total": "Requests that clients sent again, by how they said so.",
}
LABELS: Mapping[str, tuple[str, ...]] = {
    "requests_total": ("route", "status"),
    "runs_total": ("pipeline", "state"),
    "nodes_total": ("role", "state"),
    "calls_total": ("outcome",),
    "tokens_total": ("direction",),
    "cost_usd_total": (),
    "degraded_total": ("reason",),
    "replays_total": ("client", "route", "told_by"),
}
Counter: TypeAlias = "dict[tuple[str, ...], float]"
"""Sums by the values of labels, in the order of LABELS."""
MAX_SERIES = 2_000  # of one counter; further ones are counted as "other"


class Histogram:
    """Seconds, in BUCKETS_S."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS_S) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.total += seconds
        self.counts[bisect_left(BUCKETS_S, seconds)] += 1


class Metrics:
    """All numbers of one process."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter] = {name: {} for name in HELP}
        self.gauges: dict[str, float] = {}
        self.first_token = Histogram()
        self.duration = Histogram()

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        """`labels` in the order of LABELS."""
        _add(self._counters[name], labels, by)

    def run(self, name: str, result: RunResult) -> None:
        """One run that ended by itself."""
        counters, tally = self._counters, result.tally
        _add(counters["runs_total"], (name, result.state))
        self.duration.add(tally.total_s)
        for node in tally.nodes:
            _add(counters["nodes_total"], (node.role, node.state))
        for entry in result.degraded:
            _add(counters["degraded_total"], (_bounded(entry.reason),))
        for reason, times in tally.failures.items():
            _add(counters["calls_total"], (_bounded(reason),), times)
        _add(counters["calls_total"], ("ok",), tally.answered)
        _add(counters["tokens_total"], ("input",), tally.usage.prompt_tokens)
        _add(counters["tokens_total"], ("output",), tally.usage.completion_tokens)
        if tally.cost_usd:
            _add(counters["cost_usd_total"], (), tally.cost_usd)
        first = tally.first_token_s.get(result.answer.node) if result.answer else None
        if first is not None:
            self.first_token.add(first)

    def text(self) -> str:
        lines: list[str] = []
        for name, counter in self._counters.items():
            lines += [f"# HELP fusion_{name} {HELP[name]}", f"# TYPE fusion_{name} counter"]
            lines += [f"fusion_{name}{_labels(LABELS[name], key)} {value}" for key, value in sorted(counter.items())]
        for name, gauge in sorted(self.gauges.items()):
            lines += [f"# TYPE fusion_{name} gauge", f"fusion_{name} {gauge}"]
        lines += _histogram("time_to_first_token_seconds", self.first_token)
        lines += _histogram("run_seconds", self.duration)
        return "\n".join(lines) + "\n"


def _add(counter: Counter, labels: tuple[str, ...], by: float = 1) -> None:
    try:
        counter[labels] += by
    except KeyError:
        place = labels if len(counter) < MAX_SERIES else ("other",) * len(labels)
        counter[place] = counter.get(place, 0) + by


def _histogram(name: str, histogram: Histogram) -> list[str]:
    lines, total = [f"# TYPE fusion_{name} histogram"], 0
    for most, count in zip((*BUCKETS_S, float("inf")), histogram.counts, strict=True):
        total += count
        lines.append(f'fusion_{name}_bucket{{le="{"+Inf" if most == float("inf") else format(most, "g")}"}} {total}')
    return [*lines, f"fusion_{name}_sum {histogram.total}", f"fusion_{name}_count {total}"]


def _labels(names: Sequence[str], values: Sequence[str]) -> str:
    if not names:
        return ""
    inside = ",".join(f'{name}="{_escape(value)}"' for name, value in zip(names, values, strict=True))
    return f"{{{inside}}}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _bounded(reason: str) -> str:
    """A reason without what it names."""
    return reason.partition(":")[0]


async def watch_loop(metrics: Metrics, every_s: float = 1.0) -> None:
    """Until cancelled: how late the event loop runs what is due."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + every_s
        await asyncio.sleep(every_s)
        metrics.gauges["event_loop_lag_seconds"] = max(0.0, loop.time() - due)
