"""A panel of scripted models whose answers are written down."""

from __future__ import annotations

import json

from fusion_graph.engine.record import document
from fusion_graph.engine.report import RunResult
from fusion_graph.engine.request import RunRequest
from fusion_graph.events import Listener
from fusion_graph.messages import Message
from fusion_graph.providers.sim import Script
from fusion_graph.store.journal import Job
from fusion_graph.store.series import Series
from tests.chat.talking import NODES, ScriptedPanel
from tests.graph.walk import bound_of


class KeptPanel(ScriptedPanel):
    """Its runs are those of a series."""

    def __init__(self, script: Script, series: Series) -> None:
        super().__init__(script)
        self._series = series

    async def ask(self, messages: tuple[Message, ...], listener: Listener, *, run_id: str = "") -> RunResult:
        series, bound = self._series, bound_of(NODES, output="answer")
        job = Job(run_id, bound, messages, series.fence, "sim", command="chat")
        memory = series.memory(job, series.past(run_id))
        request = RunRequest(messages=messages, run_id=run_id, fence=series.fence, memory=memory)
        result = await self.stage.fusion.run(bound, request, listener)
        memory.conclude(json.dumps(document(result)))
        await series.flush()
        return result
