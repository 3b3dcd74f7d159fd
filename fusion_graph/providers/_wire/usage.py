"""Token counts: as an upstream reports them, or estimated at four bytes a token. Pure."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from fusion_graph.messages import Call, Usage

BYTES_PER_TOKEN = 4
_MOST_TOKENS = 1 << 53  # more is no count, and what is done with it would break
_MOST_USD = sys.float_info.max  # also keeps out what is no number


def read_usage(raw: Any) -> Usage | None:
    """The usage an upstream reports; None if there is none or its counts are not whole numbers from 0."""
    if not isinstance(raw, dict):
        return None
    asked, written = _count(raw.get("prompt_tokens")), _count(raw.get("completion_tokens"))
    if asked is None or written is None:
        return None
    reasoned = _detail(raw, "completion_tokens_details", "reasoning_tokens")
    cached = _detail(raw, "prompt_tokens_details", "cached_tokens")
    return Usage(asked, written, reasoned, cached, read_cost(raw))


def read_cost(raw: Any) -> float | None:
    """The upstream's own price of the call in USD (`usage.cost`), if it is a finite number from 0."""
    cost: Any = raw.get("cost") if isinstance(raw, dict) else None
    return float(cost) if type(cost) in (int, float) and 0 <= cost <= _MOST_USD else None


def estimate_usage(call: Call, written: str, cost_usd: float | None = None) -> Usage:
    """What the call must have used, going by the length of its prompt and reply; marked as estimated."""
    asked = sum(len(message.text.encode(errors="replace")) for message in call.messages)
    return Usage(
        prompt_tokens=asked // BYTES_PER_TOKEN + 1,
        completion_tokens=len(written.encode(errors="replace")) // BYTES_PER_TOKEN + 1,
        cost_usd=cost_usd,
        estimated=True,
    )


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else None


def _detail(raw: Mapping[str, Any], group: str, name: str) -> int:
    details = raw.get(group)
    return (_count(details.get(name)) or 0) if isinstance(details, dict) else 0
