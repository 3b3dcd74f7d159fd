"""GET /metrics, and the counters of `_metrics`."""

from __future__ import annotations

import asyncio
import re

from fusion_graph.server._metrics import MAX_SERIES, Metrics, watch_loop
from tests.server.stand import stand

LINE = re.compile(r'(# (HELP|TYPE) fusion_\w+ .+|fusion_\w+({(\w+="[^"\n]*",?)+})? [0-9.e+-]+)')


async def test_counts_what_happened() -> None:
    async with stand() as at:
        at.upstream.faults["a/x"].append("500")
        await at.ask()
        async with at.session.get(at.url("/metrics")) as response:
            text = await response.text()
    assert [line for line in text.splitlines() if not LINE.fullmatch(line)] == []
    assert 'fusion_runs_total{pipeline="fusion",state="degraded"} 1' in text
    assert 'fusion_nodes_total{role="panel",state="failed"} 1' in text
    assert 'fusion_calls_total{outcome="upstream_5xx"} 1' in text
    assert 'fusion_requests_total{route="/v1/chat/completions",status="200"} 1' in text
    assert "fusion_time_to_first_token_seconds_count 1" in text


def test_labels_are_bounded_and_escaped() -> None:
    metrics = Metrics()
    for i in range(MAX_SERIES + 5):
        metrics.count("degraded_total", f'r{i}"\n')
    text = metrics.text()
    assert 'fusion_degraded_total{reason="other"} 5' in text
    assert r'{reason="r0\"\n"} 1' in text


def test_large_counts_are_exact() -> None:
    metrics = Metrics()
    metrics.count("tokens_total", "input", by=123_456_789)
    assert 'fusion_tokens_total{direction="input"} 123456789\n' in metrics.text()


async def test_lag_of_the_loop_is_seen() -> None:
    metrics = Metrics()
    watching = asyncio.create_task(watch_loop(metrics, 0.001))
    async with asyncio.timeout(2):
        while "event_loop_lag_seconds" not in metrics.gauges:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0)
    watching.cancel()
    assert metrics.gauges["event_loop_lag_seconds"] >= 0
