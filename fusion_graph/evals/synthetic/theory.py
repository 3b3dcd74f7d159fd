"""What a vote over masks must come to, in closed form. Two answers, an odd number of voters, so there are no ties."""

from __future__ import annotations

from math import comb


def majority(voters: int, knowledge: float) -> float:
    """Independent voters: the upper half of a binomial."""
    return at_least(voters // 2 + 1, voters, knowledge)


def at_least(needed: int, voters: int, knowledge: float) -> float:
    """So many of them are right, or more."""
    return sum(
        comb(voters, k) * knowledge**k * (1 - knowledge) ** (voters - k) for k in range(max(0, needed), voters + 1)
    )


def correlated(voters: int, knowledge: float, correlation: float) -> float:
    """On a share of the items all are right or wrong together, and the vote is worth one of them."""
    return correlation * knowledge + (1 - correlation) * majority(voters, knowledge)


def colluding(voters: int, colluders: int, knowledge: float) -> float:
    """Some always give the same wrong answer: the others alone must reach a majority of all."""
    return at_least(voters // 2 + 1, voters - colluders, knowledge)


def early_stop(most: int, window: int, agree: int, knowledge: float) -> tuple[float, float]:
    """Mean number of samples, and accuracy of the vote, when sampling stops at the first window after which so many
    agree. A window must not end in a tie that stops it."""
    states, mean, right_share, drawn = {0: 1.0}, 0.0, 0.0, 0
    while states:
        step = min(window, most - drawn)
        drawn += step
        grown: dict[int, float] = {}
        for right, share in states.items():
            for more in range(step + 1):
                chance = comb(step, more) * knowledge**more * (1 - knowledge) ** (step - more)
                grown[right + more] = grown.get(right + more, 0.0) + share * chance
        ended = {n: share for n, share in grown.items() if drawn == most or max(n, drawn - n) >= agree}
        mean += drawn * sum(ended.values())
        right_share += sum(share for n, share in ended.items() if 2 * n > drawn)
        states = {n: share for n, share in grown.items() if n not in ended}
    return mean, right_share
