"""A loop whose clock jumps: sleeping costs nothing, and order is kept."""

from __future__ import annotations

import asyncio
import threading

from fusion_graph.evals.running.virtual import VirtualLoop


def test_hours_pass_at_once_and_in_order() -> None:
    told: list[tuple[float, str]] = []

    async def after(seconds: float, name: str) -> None:
        await asyncio.sleep(seconds)
        told.append((asyncio.get_running_loop().time(), name))

    async def main() -> float:
        async with asyncio.TaskGroup() as group:
            for seconds, name in ((7200.0, "late"), (0.5, "soon"), (3600.0, "then")):
                group.create_task(after(seconds, name))
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == 7200.0
    assert told == [(0.5, "soon"), (3600.0, "then"), (7200.0, "late")]


def test_a_word_from_another_thread_arrives() -> None:
    async def main() -> None:
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(event.set,))
        thread.start()
        await event.wait()
        thread.join()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
