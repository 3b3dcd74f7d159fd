"""A run whose models use tools goes on: what a tool gave is replayed, and what may have happened is not done again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fusion_graph.contracts import Tool
from fusion_graph.engine.tooluse import UNSURE
from fusion_graph.errors import Transient
from fusion_graph.messages import Call, Completion
from fusion_graph.toolbox import Toolbox
from tests.agent.engineer import use
from tests.engine.stage import Stage
from tests.store.keeping import gone_on, past_of, written

NODES = "one: {kind: proposer, model: m/a, tools: [mark], retry: {attempts: 1}}"


class Desk:
    """A tool that leaves a mark, and a stage with it. `hangs`: it does so and never ends."""

    def __init__(self, *, mutates: bool, hangs: bool = False, fails: int = 0) -> None:
        self.marks: list[str] = []
        self.marked = asyncio.Event()
        self._hangs = hangs
        self._fails = fails
        tool = Tool(name="mark", description="", parameters={"type": "object"}, run=self._run, mutates=mutates)
        self.stage = Stage({"m/a": self._think}, tools=Toolbox(tools={"mark": tool}))

    async def _run(self, _arguments: Mapping[str, Any], _site: Any) -> str:
        self.marks.append(f"mark {len(self.marks) + 1}")
        self.marked.set()
        if self._hangs:
            self._hangs = False
            await asyncio.Event().wait()
        return self.marks[-1]

    def _think(self, call: Call) -> Completion:
        said = [message.text for message in call.messages if message.role == "tool"]
        if not said:
            return use("mark")
        if self._fails:
            self._fails -= 1
            raise Transient("upstream_5xx")
        return Completion(text=said[0])


@pytest.mark.parametrize("mutates", [True, False])
async def test_what_a_tool_gave_is_replayed(mutates: bool, tmp_path: Path) -> None:
    desk = Desk(mutates=mutates, fails=1)
    assert (await written(desk.stage, tmp_path, NODES)).error is not None
    again = await gone_on(desk.stage, tmp_path, NODES)
    assert "mark 1" in again.text
    assert (len(desk.marks), len(desk.stage.asked)) == (1, 3)


@pytest.mark.parametrize(("mutates", "times", "told"), [(True, 1, UNSURE), (False, 2, "mark 2")])
async def test_what_may_have_happened_is_told_to_be_so(mutates: bool, times: int, told: str, tmp_path: Path) -> None:
    desk = Desk(mutates=mutates, hangs=True)
    task = asyncio.create_task(written(desk.stage, tmp_path, NODES))
    await desk.marked.wait()
    task.cancel()
    await asyncio.wait([task])
    assert [(t.tool, t.told.ok) for t in past_of(tmp_path).tools.values()] == [("mark", None)]
    again = await gone_on(desk.stage, tmp_path, NODES)
    assert told in again.text
    assert (len(desk.marks), len(desk.stage.asked)) == (times, 2)
