"""What the progress of a run keeps for `groups`, `options` and `wanted`, if it comes to that."""

from __future__ import annotations

from fusion_graph.graph.plan import Timer


class Choosing:
    """What a run remembers of joins that closed early, of fallbacks and of hedges."""

    __slots__ = ("armed", "begun", "candidates", "committed", "late", "spared")

    def __init__(self) -> None:
        self.late: dict[int, tuple[int, ...]] = {}  # by join: members that it left behind
        self.spared: dict[int, str] = {}  # calls that nobody waits for but somebody may, and why they were let go
        self.armed: set[Timer] = set()
        self.begun: set[int] = set()  # options of hedges whose call is under way
        self.candidates: dict[int, int] = {}  # by fallback: option that waits for its scores
        self.committed: dict[int, int] = {}  # by fallback: option whose text has begun to reach the caller
