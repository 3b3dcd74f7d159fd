"""Sums of what attempts used and cost."""

from __future__ import annotations

import pytest

from fusion_graph.engine.totals import total_cost, total_usage
from fusion_graph.messages import Usage


@pytest.mark.parametrize(("costs", "total"), [((), 0.0), ((1.0, 0.5), 1.5), ((1.0, None), None), ((0.0,), 0.0)])
def test_one_unknown_cost_makes_all_unknown(costs: tuple[float | None, ...], total: float | None) -> None:
    # design 2: else `null`, never 0
    assert total_cost(costs) == total


def test_tokens_add_up_without_prices() -> None:
    one, two = Usage(1, 2, 3, 4, 0.5), Usage(10, 20, 30, 40, estimated=True)
    assert total_usage([one, two]) == Usage(11, 22, 33, 44, None, estimated=True)
    assert total_usage([one]) == Usage(1, 2, 3, 4)
    assert total_usage([two]) is two
    assert total_usage([]) == Usage()
