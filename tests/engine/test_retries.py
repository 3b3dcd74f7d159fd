"""Whether a call tries again, and after what wait."""

from __future__ import annotations

import pytest

from fusion_graph.engine.acceptance import Unusable
from fusion_graph.engine.retries import BACKOFF_CAP_S, next_wait
from fusion_graph.errors import Permanent, ProviderError, Transient
from fusion_graph.messages import Completion
from tests.engine.test_attempts import DOWN, call_of


@pytest.mark.parametrize(("tried", "ceiling"), [(1, 0.5), (2, 1), (3, 2), (5, 8), (9, BACKOFF_CAP_S)])
def test_wait_is_drawn_below_a_doubling_ceiling(tried: int, ceiling: float) -> None:
    call = call_of(", retry: {attempts: 10}")
    call.tried = tried
    waits = [next_wait(call, DOWN) for call.attempt in range(50)]
    assert all(wait is not None and 0 <= wait <= ceiling for wait in waits)
    assert max(wait or 0 for wait in waits) > ceiling / 3


@pytest.mark.parametrize(
    ("error", "tried", "again"),
    [
        (DOWN, 2, True),
        (DOWN, 3, False),
        (Permanent("bad_request"), 1, False),
        (Transient("empty_output"), 1, True),
        (Transient("empty_output"), 2, False),
        (Unusable("blank", Completion()), 2, False),
        (Unusable("match", Completion()), 2, True),
    ],
)
def test_who_may_try_again(error: ProviderError, tried: int, again: bool) -> None:
    call = call_of()
    call.tried = tried
    assert (next_wait(call, error) is not None) is again


def test_nobody_tries_again_after_the_close() -> None:
    call = call_of()
    call.tried = 1
    call.run.progress.closed = "deadline"
    assert next_wait(call, DOWN) is None


def test_wait_never_passes_the_deadline() -> None:
    call = call_of()
    call.tried = 1
    call.run.deadline = call.run.clock() + 5
    assert next_wait(call, Transient("rate_limited", retry_after_s=4)) == 4
    assert next_wait(call, Transient("rate_limited", retry_after_s=6)) is None
