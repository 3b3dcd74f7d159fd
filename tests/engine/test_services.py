"""What a process shares between its runs, and who names a price."""

from __future__ import annotations

import pytest

from fusion_graph.messages import Usage
from fusion_graph.pipeline import ModelRef
from tests.engine.stage import FLAT, Stage

TOKENS = Usage(prompt_tokens=1, completion_tokens=1)


@pytest.mark.parametrize(
    ("free", "model", "usage", "cost"),
    [
        (False, "m/dear", TOKENS, 2.0),
        (False, "m/dear", Usage(prompt_tokens=1, cost_usd=0.5), 0.5),
        (True, "m/dear", TOKENS, 0.0),
        (True, "m/secret", TOKENS, 0.0),
        (True, "m/dear", Usage(cost_usd=0.5), 0.5),
        (False, "m/secret", TOKENS, None),
        (False, "m/secret", Usage(cost_usd=0.0), 0.0),
    ],
)
def test_own_figure_then_free_then_table(free: bool, model: str, usage: Usage, cost: float | None) -> None:
    """The backend's own reported cost wins, else 0 for a free backend, else the price table, else nobody knows."""
    services = Stage(prices=FLAT, backend={"free": free}).fusion.services
    assert services.cost(services.lanes[""], model, usage) == cost


def test_priced_means_that_somebody_knows() -> None:
    services = Stage(prices=FLAT).fusion.services
    assert services.priced(ModelRef("m/cheap"))
    assert not services.priced(ModelRef("m/secret"))
    assert Stage().fusion.services.priced(ModelRef("m/secret"))
