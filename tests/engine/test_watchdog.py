"""Three timeouts with one timer, on a clock that the tests own (design 3)."""

from __future__ import annotations

import asyncio

import pytest

from fusion_graph.engine.watchdog import Watchdog, look
from fusion_graph.pipeline import Timeout


class Attempt:
    """An attempt that only notes how it was cut."""

    def __init__(self, timeout: Timeout, began_at: float = 0.0) -> None:
        self.timeout = timeout
        self.began_at = began_at
        self.last_at = 0.0
        self.cuts: list[str] = []

    def cut(self, reason: str) -> None:
        self.cuts.append(reason)

    def look(self, now: float) -> float:
        return look(self, now)

    @property
    def due(self) -> float:
        return self.began_at + self.timeout.shortest_s


class Time:
    """A clock in the test's hand; the loop's timers follow it."""

    def __init__(self) -> None:
        self.now = 100.0
        loop = asyncio.get_running_loop()
        real = loop.time()
        loop.time = lambda: real + self.now  # type: ignore[method-assign]

    def __call__(self) -> float:
        return self.now

    async def to(self, now: float) -> None:
        self.now = now
        for _ in range(4):
            await asyncio.sleep(0)


LIMITS = Timeout(first_token_s=60, idle_s=30, total_s=120)


@pytest.fixture
async def clock() -> Time:
    return Time()


@pytest.fixture
async def watchdog(clock: Time) -> Watchdog:
    return Watchdog(clock)


async def test_silence_is_cut_at_the_first_token_limit(clock: Time, watchdog: Watchdog) -> None:
    attempt = Attempt(LIMITS, 100)
    watchdog.add(attempt, attempt.due)
    await clock.to(159)
    assert attempt.cuts == []
    await clock.to(160)
    assert attempt.cuts == ["timeout_first_token"]
    assert watchdog.watched == {}


async def test_pause_is_cut_at_the_idle_limit(clock: Time, watchdog: Watchdog) -> None:
    """Not later: the first token makes the idle limit count from there."""
    attempt = Attempt(LIMITS, 100)
    watchdog.add(attempt, attempt.due)
    await clock.to(101)
    attempt.last_at = 101
    await clock.to(130.9)
    assert attempt.cuts == []
    await clock.to(131.1)
    assert attempt.cuts == ["timeout_idle"]


async def test_steady_attempt_is_cut_at_its_total(clock: Time, watchdog: Watchdog) -> None:
    attempt = Attempt(LIMITS, 100)
    watchdog.add(attempt, attempt.due)
    for now in range(110, 220, 10):
        attempt.last_at = now
        await clock.to(now)
    assert attempt.cuts == []
    await clock.to(220)
    assert attempt.cuts == ["timeout_attempt"]


async def test_attempt_that_ended_is_left_alone(clock: Time, watchdog: Watchdog) -> None:
    attempt = Attempt(LIMITS, 100)
    watchdog.add(attempt, attempt.due)
    watchdog.watched.pop(attempt)
    await clock.to(1000)
    assert attempt.cuts == []


async def test_nearer_attempt_wakes_it_earlier(clock: Time, watchdog: Watchdog) -> None:
    slow, quick = Attempt(LIMITS, 100), Attempt(Timeout(first_token_s=5, idle_s=5, total_s=5), 100)
    watchdog.add(slow, slow.due)
    watchdog.add(quick, quick.due)
    await clock.to(106)
    assert (slow.cuts, quick.cuts) == ([], ["timeout_attempt"])
    await clock.to(161)
    assert slow.cuts == ["timeout_first_token"]


async def test_cut_attempt_may_come_back(clock: Time, watchdog: Watchdog) -> None:
    """A writer that may go on past its total is watched on."""

    class Stubborn(Attempt):
        def cut(self, reason: str) -> None:
            super().cut(reason)
            if len(self.cuts) == 1:
                self.timeout = Timeout(first_token_s=200, idle_s=200, total_s=130)

    attempt, other = Stubborn(Timeout(first_token_s=90, idle_s=90, total_s=20), 100), Attempt(LIMITS, 100)
    watchdog.add(attempt, attempt.due)
    watchdog.add(other, other.due)
    await clock.to(121)
    assert attempt.cuts == ["timeout_attempt"]
    await clock.to(231)
    assert attempt.cuts == ["timeout_attempt"] * 2
    assert other.cuts == ["timeout_first_token"]


async def test_stopped_watchdog_keeps_no_timer_but_for_what_goes_on(clock: Time, watchdog: Watchdog) -> None:
    attempt = Attempt(LIMITS, 100)
    watchdog.add(attempt, attempt.due)
    watchdog.stop()
    await clock.to(161)
    assert attempt.cuts == ["timeout_first_token"]
    watchdog.add(attempt, 1000)
    watchdog.watched.pop(attempt)
    watchdog.stop()
    scheduled = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    assert [timer for timer in scheduled if not timer.cancelled()] == []
