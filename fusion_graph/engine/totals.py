"""Sums of what attempts used and cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fusion_graph.engine.estimates import NOTHING
from fusion_graph.messages import Usage


def total_cost(costs: Iterable[float | None]) -> float | None:
    """The sum, None as soon as one part is unknown."""
    total = 0.0
    for cost in costs:
        if cost is None:
            return None
        total += cost
    return total


def total_usage(usages: Sequence[Usage]) -> Usage:
    """Tokens alone: what backends say of their prices is in the cost."""
    if not usages:
        return NOTHING
    if len(usages) == 1 and usages[0].cost_usd is None:
        return usages[0]
    prompt = completion = reasoning = cached = 0
    estimated = False
    for usage in usages:
        prompt += usage.prompt_tokens
        completion += usage.completion_tokens
        reasoning += usage.reasoning_tokens
        cached += usage.cached_tokens
        estimated = estimated or usage.estimated
    return Usage(prompt, completion, reasoning, cached, None, estimated)
