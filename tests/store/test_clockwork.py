"""Time that passes only when nothing is left to do."""

from __future__ import annotations

import asyncio
import threading

from fusion_graph.store.clockwork import BEGIN_S, Clockwork, Move, standing_still


async def naps(*seconds: float) -> list[tuple[float, float]]:
    """When each of several sleepers woke, in order."""
    loop, woken = asyncio.get_running_loop(), []
    began = loop.time()

    async def nap(long: float) -> None:
        await asyncio.sleep(long)
        woken.append((long, loop.time() - began))

    await asyncio.gather(*map(nap, seconds))
    return woken


def test_hours_pass_at_once_and_in_order() -> None:
    with asyncio.Runner(loop_factory=Clockwork) as runner:
        assert runner.run(naps(7200.0, 0.5, 3600.0)) == [(0.5, 0.5), (3600.0, 3600.0), (7200.0, 7200.0)]


def test_a_pace_makes_it_wait() -> None:
    with asyncio.Runner(loop_factory=lambda: Clockwork(pace=0.001)) as runner:
        assert [long for long, _ in runner.run(naps(9.0, 3.0))] == [3.0, 9.0]


def test_a_move_comes_before_the_timer_or_after_it() -> None:
    """`next_move` decides; its time is then the loop's."""
    loop = Clockwork()
    happened: list[float] = []
    moves = [Move(BEGIN_S + 2.5, lambda: happened.append(loop.time() - BEGIN_S))]
    loop.next_move = lambda due: moves.pop() if moves and moves[0].at < due else None
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        woken = runner.run(naps(1.0, 3.0))
    assert happened == [2.5]
    assert woken == [(1.0, 1.0), (3.0, 3.0)]


def test_another_thread_wakes_it_when_no_timer_is_left() -> None:
    async def wait() -> str:
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        threading.Thread(target=lambda: loop.call_soon_threadsafe(told.set)).start()
        await told.wait()
        return "woken"

    with asyncio.Runner(loop_factory=Clockwork) as runner:
        assert runner.run(wait()) == "woken"


def test_it_stands_still_for_another_thread() -> None:
    """Who waits for the disk takes none of its time, while timers are due."""

    async def main() -> tuple[float, bool]:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        fired = loop.call_later(5.0, done.cancel)
        threading.Timer(0.05, loop.call_soon_threadsafe, (done.set_result, None)).start()
        began = loop.time()
        with standing_still(loop):
            await done
        fired.cancel()
        return loop.time() - began, done.cancelled()

    with asyncio.Runner(loop_factory=Clockwork) as runner:
        assert runner.run(main()) == (0.0, False)
