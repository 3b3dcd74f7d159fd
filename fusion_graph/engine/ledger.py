"""A run's money, calls and tokens: reserve the worst case before an attempt, settle what it was after (semantics 4).

One writer call is held back from the start, so that a spent budget still has an answer. Pure arithmetic, no clock.
"""

from __future__ import annotations

from typing import NamedTuple

from fusion_graph.pipeline import Limits


class Amount(NamedTuple):
    """US dollars, calls and tokens. Unknown dollars count 0 here; a run with a budget never gets so far."""

    usd: float = 0.0
    calls: int = 0
    tokens: int = 0


class Ledger:
    """`spent` is settled, `reserved` in flight, `hold` the writer's call until it is taken (its n calls, where a caller
    wants n texts). `stopped`: the budget has ended the run's spending, but for the hold. None of the limits: no
    ledger."""

    def __init__(self, limits: Limits, hold: Amount) -> None:
        self._limits = Amount(
            limits.budget_usd if limits.budget_usd is not None else float("inf"),
            limits.max_calls if limits.max_calls is not None else 1 << 60,
            limits.max_tokens if limits.max_tokens is not None else 1 << 60,
        )
        self.spent = Amount()
        self.reserved = Amount()
        self.hold: Amount | None = hold
        self.stopped = False

    @staticmethod
    def needed(limits: Limits) -> bool:
        return limits.budget_usd is not None or limits.max_calls is not None or limits.max_tokens is not None

    def reserve(self, worst: Amount, *, writer: bool) -> Amount | None:
        """The reservation, or None when it does not fit. A writer's call takes its part of the hold; after a budget
        stop nothing else is admitted."""
        hold = self.hold
        if self.stopped and not (writer and hold):
            return None
        kept = Amount() if writer or hold is None else hold
        taken = _sum(self.spent, self.reserved, kept, worst)
        if any(have > limit for have, limit in zip(taken, self._limits, strict=True)):
            return None
        if writer and hold is not None:
            self.hold = _without_one(hold)
        self.reserved = _sum(self.reserved, worst)
        return worst

    def settle(self, reservation: Amount, usd: float | None, tokens: int) -> None:
        """Replace a reservation by what the attempt really was (an unknown price settles at what was reserved)."""
        held, back = self.reserved, reservation
        self.reserved = Amount(held.usd - back.usd, held.calls - back.calls, held.tokens - back.tokens)
        self.spent = _sum(self.spent, Amount(reservation.usd if usd is None else usd, reservation.calls, tokens))


def _without_one(hold: Amount) -> Amount | None:
    """What is held for the other calls."""
    left = hold.calls - 1
    return Amount(hold.usd / hold.calls * left, left, hold.tokens // hold.calls * left) if left > 0 else None


def _sum(*amounts: Amount) -> Amount:
    return Amount(sum(a.usd for a in amounts), sum(a.calls for a in amounts), sum(a.tokens for a in amounts))
