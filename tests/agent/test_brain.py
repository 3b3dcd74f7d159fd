"""What a brain gives, and what it cost when it gave nothing."""

from __future__ import annotations

import pytest

from fusion_graph.agent.brain import Lost
from fusion_graph.errors import RunFailed


def test_a_lost_reply_may_have_cost_something() -> None:
    lost = Lost("rate_limited", "no node gave a usable answer")
    assert (lost.tokens, lost.cost_usd) == (0, 0.0)
    with pytest.raises(RunFailed, match="usable answer"):
        raise lost
