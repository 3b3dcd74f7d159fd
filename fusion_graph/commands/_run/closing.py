"""What is said of a run when it is over: one line for each thing that degraded, and one closing line with cost and
time."""

from __future__ import annotations

from collections import Counter

from fusion_graph.engine.report import RunResult
from fusion_graph.events import CallFinished, CallRecalled
from fusion_graph.figures import count, seconds, several, usd

SHOWN = 3  # causes in the closing line; the lines above it have all


def degraded_lines(result: RunResult) -> list[str]:
    """`degraded: panel/kimi-k2.6 failed with rate_limited (...): panel went on with 2 of 3`, a line each."""
    lines = []
    for entry in result.degraded:
        why = "" if entry.text in ("", entry.reason) else f" ({entry.text})"
        lines.append(" ".join(f"degraded: {entry.node}: {entry.reason}{why}: {entry.action}".split()))
    return lines


def closing_line(result: RunResult, prices_date: str) -> str:
    """`degraded in 4.2 s, 6 calls, 3.4k tokens, $0.0123: verdict abstained`. The error of a failed run stands apart."""
    parts = [
        f"{result.state} in {seconds(result.timing_s['total'])}",
        _calls(result),
        f"{count(result.usage.total_tokens)} tokens{' (estimated)' if result.usage.estimated else ''}",
        cost(result, prices_date),
    ]
    if result.simulated:
        parts.append("simulated")
    return ", ".join(parts) + (f": {_causes(result)}" if result.degraded and result.error is None else "")


def _calls(result: RunResult) -> str:
    """`3 calls`, `1 call (2 replayed, 1 cached)`."""
    recalled = Counter(event.state for event in result.events if isinstance(event, CallRecalled))
    told = ", ".join(f"{number} {state}" for state, number in recalled.items())
    return several(sum(node.attempts for node in result.nodes), "call") + (f" ({told})" if told else "")


def _causes(result: RunResult) -> str:
    told = [f"{entry.node} {entry.reason}" for entry in result.degraded]
    return ", ".join(told[:SHOWN]) + (f" and {len(told) - SHOWN} more" if len(told) > SHOWN else "")


def cost(result: RunResult, prices_date: str) -> str:
    """Dollars, with the age of the table if it was needed."""
    if result.cost_usd is None:
        return "cost unknown"
    answered = [event for event in result.events if isinstance(event, CallFinished)]
    counted = any(event.cost_usd and event.usage.cost_usd is None for event in answered)
    return usd(result.cost_usd) + (f" (prices of {prices_date})" if counted else "")
