from __future__ import annotations

import asyncio

from fusion_graph.chat.progress import Progress
from fusion_graph.chat.talk import Talk
from fusion_graph.errors import Permanent
from fusion_graph.events import NodeFinished, NodeStarted, RunStarted, ToolAnswered, ToolCalled
from tests.chat.talking import Remembered, ScriptedPanel, talked
from tests.graph.walk import bound_of


async def test_how_far_each_part_is() -> None:
    gate = asyncio.Event()
    screen = Remembered("why")
    panel = ScriptedPanel({"a/x": Permanent("bad_request"), "b/y": "draft", "j/j": (gate, "x"), "s/w": "words"})
    task = asyncio.create_task(Talk(panel, screen).run())
    await panel.stage.sim.called("j/j")
    assert screen.progress.line == "panel 1 of 2 (1 failed), verdict working"
    gate.set()
    await task
    assert screen.progress.line.startswith("panel 1 of 2 (1 failed), verdict ")
    assert screen.progress.line.endswith("answer done")
    assert screen.progress.cost_usd == 0.0


async def test_tools_are_named_while_they_run() -> None:
    progress = Progress()
    assert progress.line == "waiting"
    progress(ToolCalled(0.0, "n", 0, "web_search", "{}"))
    assert progress.line == "uses web_search"
    progress(ToolAnswered(0.0, "n", 0, "web_search", ok=True, text="", seconds=0.0))
    assert progress.line == "waiting"


async def test_tokens_are_counted() -> None:
    _, screen = await talked({"*": "words"}, "why")
    assert screen.progress.tokens > 0


def test_node_that_begins_twice_ends_once() -> None:
    """A hedge's arm without room goes back to sleep, and may begin again."""
    progress = Progress()
    progress(RunStarted(0.0, "id", "p", bound_of("a: {kind: proposer, model: m/a}").nodes, 0))
    for at in (0.0, 1.0):
        progress(NodeStarted(at, "a"))
    progress(NodeFinished(2.0, "a", "ok"))
    assert progress.line == "a done"
