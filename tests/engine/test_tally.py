"""The sums of a run, in one pass."""

from __future__ import annotations

import pytest

from fusion_graph.engine.tally import Tally
from fusion_graph.events import CallFailed, CallFinished, CallStarted, FirstToken, NodeSkipped, RunFinished
from fusion_graph.messages import Call, Completion, Sampling, Usage
from tests.engine.traced import traced
from tests.graph.walk import bound_of

BOUND = bound_of("a: {kind: proposer, model: m/a}\nb: {kind: proposer, model: m/b, inputs: [a]}")
CALL = Call("m/a", (), Sampling())


def finished(usage: Usage, cost: float | None, node: str = "a") -> CallFinished:
    return CallFinished(0.5, node, 0, 1, "m/a", Completion(simulated=True), usage, cost, True)


def lost(usage: Usage, cost: float | None) -> CallFailed:
    return CallFailed(0.5, "a", 0, 1, "m/a", "rate_limited", "", usage, cost)


def test_bill_counts_failed_attempts() -> None:
    one, two = Usage(prompt_tokens=3, completion_tokens=2, cached_tokens=1), Usage(reasoning_tokens=4, estimated=True)
    tally = Tally(BOUND, traced(finished(one, 0.5), lost(two, 0.25)))
    assert tally.usage == Usage(
        prompt_tokens=3, completion_tokens=2, cached_tokens=1, reasoning_tokens=4, estimated=True
    )
    assert (tally.cost_usd, tally.answered, tally.failures, tally.simulated) == (
        0.75, 1, {"rate_limited": 1}, True,
    )  # fmt: skip


@pytest.mark.parametrize("costs", [(None, 1.0), (1.0, None)])
def test_one_unknown_cost_makes_all_unknown(costs: tuple[float | None, ...]) -> None:
    tally = Tally(BOUND, traced(*(finished(Usage(), cost) for cost in costs), finished(Usage(), 2.0, "b")))
    assert (tally.cost_usd, tally.nodes[1].cost_usd) == (None, 2.0)


def test_first_of_its_kind_counts() -> None:
    tries = [CallStarted(0.0, "a", 0, n, "m/a", CALL) for n in (1, 2)]
    tokens = [FirstToken(at, "a", 0) for at in (0.5, 0.75)]
    tally = Tally(BOUND, traced(*tries, *tokens, NodeSkipped(1.0, "b", "when"), RunFinished(2.0, "ok")))
    node = tally.by_id["a"]
    assert (node.calls, node.attempts, tally.first_token_s) == (1, 2, {"a": 0.5})
    assert (tally.by_id["b"].state, tally.by_id["b"].reason, tally.total_s) == ("skipped", "when", 2.0)
