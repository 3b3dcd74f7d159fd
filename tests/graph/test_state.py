"""Where one node of a run stands."""

from __future__ import annotations

from fusion_graph.graph.plan import DONE, IDLE
from fusion_graph.graph.state import NodeState
from fusion_graph.outputs import Outcome

FULL = (DONE, Outcome("failed", None, "broken"), (1, 2), (3,), 1, 4, (5, 6), 7, 8, 9)


def fields(state: NodeState) -> tuple[object, ...]:
    return tuple(getattr(state, name) for name in ("phase", "outcome", "chosen", "waiters", "stage")) + tuple(
        getattr(state, name) for name in ("asked", "demands", "pending", "good", "skips")
    )


def test_copy_has_all_of_it_and_goes_its_own_way() -> None:
    state = NodeState(*FULL)
    copied = state.copy()
    assert fields(copied) == FULL
    copied.waiters += (4,)
    assert state.waiters == (3,)


def test_whoever_waits_still_waits_for_a_node_that_begins_anew() -> None:
    state = NodeState(*FULL)
    state.outcome = None
    state.begin_anew()
    assert fields(state) == (IDLE, None, (), (3,), 0, 0, (), 0, 0, 0)
