"""How long each answer would have taken by itself: its run is played again from recorded replies, at their own pace, in
virtual time. Shared and resumed calls then count in full, and waiting for a place in this eval does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from fusion_graph.engine.fusion import Fusion
from fusion_graph.evals.arms import Arm
from fusion_graph.evals.running.evaluation import Row
from fusion_graph.evals.running.generation import Answer, generate
from fusion_graph.evals.running.records import Records
from fusion_graph.evals.task import Task
from fusion_graph.store.clockwork import Clockwork

Open = Callable[[Callable[[], float]], Fusion]
"""An engine on this clock whose models only know what is recorded, at its own pace."""


def play_again(
    arm: Arm, task: Task, run: int, open_fusion: Open, records: Records, *, simulated: bool = False
) -> Answer:
    """One run, from records alone. `whole` is false where something was missing."""

    async def main() -> Answer:
        loop = asyncio.get_running_loop()
        async with open_fusion(loop.time) as fusion:
            return await generate(arm, task, run, fusion, records, simulated=simulated, live=False)

    with asyncio.Runner(loop_factory=Clockwork) as runner:
        return runner.run(main())


def timed(
    rows: Sequence[Row],
    arms: Mapping[str, Arm],
    tasks: Mapping[str, Task],
    open_fusion: Open,
    records: Records,
    *,
    simulated: bool = False,
) -> list[Row]:
    """The rows with the time of each run by itself; where a record is missing, the time it took here stays, and where
    models use tools, which are not played again."""
    made = []
    for row in rows:
        if arms[row.arm].bound.tooled:
            made.append(row)
            continue
        again = play_again(arms[row.arm], tasks[row.task], row.run, open_fusion, records, simulated=simulated)
        fits = again.whole and again.calls == row.answer.calls
        made.append(replace(row, answer=replace(row.answer, seconds=again.seconds)) if fits else row)
    return made
