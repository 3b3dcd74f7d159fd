"""Token counts: read, refused, estimated."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fusion_graph.messages import Call, Message, Sampling, Usage
from fusion_graph.providers._wire.usage import estimate_usage, read_cost, read_usage


def test_reported_counts_are_read() -> None:
    raw = {
        "prompt_tokens": 5,
        "completion_tokens": 7,
        "completion_tokens_details": {"reasoning_tokens": 3},
        "prompt_tokens_details": {"cached_tokens": 2},
        "cost": 0.5,
    }
    expected = Usage(prompt_tokens=5, completion_tokens=7, reasoning_tokens=3, cached_tokens=2, cost_usd=0.5)
    assert read_usage(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        {"prompt_tokens": 5},
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": 1.5, "completion_tokens": 1},
        {"prompt_tokens": True, "completion_tokens": 1},
        {"prompt_tokens": "5", "completion_tokens": 1},
        {"prompt_tokens": 10**400, "completion_tokens": 1},
    ],
)
def test_bad_counts_are_none(raw: Any) -> None:
    assert read_usage(raw) is None


def test_bad_details_count_nothing() -> None:
    raw = {"prompt_tokens": 1, "completion_tokens": 1, "completion_tokens_details": {"reasoning_tokens": -4}}
    assert read_usage(raw) == Usage(prompt_tokens=1, completion_tokens=1)


@pytest.mark.parametrize("cost", [None, -0.1, math.nan, math.inf, "1", True])
def test_bad_cost_is_unknown(cost: Any) -> None:
    assert read_cost({"cost": cost}) is None


def test_cost_may_be_zero() -> None:
    assert read_cost({"cost": 0}) == 0.0


def test_estimate_goes_by_bytes() -> None:
    usage = estimate_usage(Call("m", (Message("user", "x" * 400),), Sampling()), "ü" * 40, 0.1)
    assert usage == Usage(prompt_tokens=101, completion_tokens=21, cost_usd=0.1, estimated=True)


def test_cost_beyond_any_number_is_none() -> None:
    assert read_cost({"cost": 10**400}) is None
