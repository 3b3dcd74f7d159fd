"""Whether a call tries again, after what wait, and what is said when it gives up."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fusion_graph.engine.acceptance import Unusable
from fusion_graph.errors import NodeFailed, ProviderError

if TYPE_CHECKING:
    from fusion_graph.engine.attempts import CallRun
    from fusion_graph.pipeline import ModelRef

BACKOFF_CAP_S = 8.0
EMPTY_ATTEMPTS = 2  # an empty reply is asked once more, not as often as a lost connection
EMPTY = frozenset({"empty_output", "unusable:blank"})


def next_wait(call: CallRun, error: ProviderError) -> float | None:
    """Seconds until the next attempt at the same model; None when there is none."""
    run, retry = call.run, call.options.retry
    attempts = min(retry.attempts, EMPTY_ATTEMPTS) if error.reason in EMPTY else retry.attempts
    if not error.transient or call.tried >= attempts or run.progress.closed or call.committed:
        return None
    wait = error.retry_after_s
    if wait is None:
        ceiling = min(retry.backoff_s * 2 ** (call.tried - 1), BACKOFF_CAP_S)
        wait = _jitter(call).uniform(0, ceiling)
    return None if too_long(call, wait) else wait


def too_long(call: CallRun, seconds: float) -> bool:
    """The run would be over before."""
    deadline = call.run.deadline
    return deadline is not None and call.run.clock() + seconds >= deadline


def failure(failures: Sequence[tuple[ModelRef, ProviderError]]) -> NodeFailed:
    """The last failure names the reason; the detail tells of every model."""
    _, last = failures[-1]
    told = "; ".join(f"{ref}: {error.message}" for ref, error in failures)
    return NodeFailed(last.reason, told, text=last.completion.text if isinstance(last, Unusable) else "")


def _jitter(call: CallRun) -> random.Random:
    """Runs that fail together must not come back together; but a replay of this one waits as it did."""
    return random.Random(f"{call.run.run_id}/{call.node.id}/{call.number}/{call.attempt}")  # noqa: S311 (no secret)
