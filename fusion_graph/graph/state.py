"""Where one node of a run stands."""

from __future__ import annotations

from fusion_graph.graph.plan import IDLE
from fusion_graph.outputs import Outcome
from fusion_graph.values import mypyc_attr


@mypyc_attr(acyclic=True)
class NodeState:
    """All of one node in one place: whoever reads one of it reads more."""

    __slots__ = ("asked", "chosen", "demands", "good", "outcome", "pending", "phase", "skips", "stage", "waiters")

    def __init__(
        self,
        phase: int = IDLE,
        outcome: Outcome | None = None,
        chosen: tuple[int, ...] = (),
        waiters: tuple[int, ...] = (),
        stage: int = 0,
        asked: int = 0,
        demands: tuple[int, ...] = (),
        pending: int = 0,
        good: int = 0,
        skips: int = 0,
    ) -> None:
        self.phase = phase
        self.outcome = outcome
        self.chosen = chosen  # a join's members, a fallback's option and its aids
        self.waiters = waiters  # who waits for this one
        self.stage = stage  # 0 before, 1 inputs
        self.asked = asked  # how many options or members were demanded
        self.demands = demands  # in this stage
        self.pending = pending  # of these: not settled
        self.good = good  # of these: settled with a value
        self.skips = skips  # of these: skipped

    def copy(self) -> NodeState:
        return NodeState(
            self.phase, self.outcome, self.chosen, self.waiters, self.stage,
            self.asked, self.demands, self.pending, self.good, self.skips,
        )  # fmt: skip

    def begin_anew(self) -> None:
        """As if it had never been demanded, but for whoever waits for it."""
        self.phase = IDLE
        self.chosen = self.demands = ()
        self.stage = self.asked = self.pending = self.good = self.skips = 0
