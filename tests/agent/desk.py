"""An agent with a scripted brain on a real folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fusion_graph.agent.brain import Lost, Reply
from fusion_graph.agent.happenings import Happening
from fusion_graph.agent.memory import Memory, begin
from fusion_graph.agent.work import Agent, Bounds
from fusion_graph.messages import Completion, Message
from fusion_graph.store.journal import Journal
from fusion_graph.toolbox import Toolbox
from fusion_graph.tools import TOOLS, default_registry
from fusion_graph.tools._sandbox.levels import find_sandbox, lacks
from tests.agent.engineer import next_step

Think = Callable[[tuple[Message, ...], set[str]], Completion | Lost]
LOCAL = [name for name, tool in TOOLS.items() if tool.local] + ["finish"]


class ScriptedBrain:
    """Every reply costs a hundred tokens and a cent."""

    takes_tools = True

    def __init__(self, think: Think = next_step) -> None:
        self._think = think
        self.asked: list[tuple[Message, ...]] = []

    async def think(
        self, messages: tuple[Message, ...], tools: Sequence[Mapping[str, Any]], *, run_id: str = ""
    ) -> Reply:
        self.asked.append(messages)
        said = self._think(messages, {tool["function"]["name"] for tool in tools})
        if isinstance(said, Lost):
            raise said
        return Reply(said, 100, 0.01)


def box_for(root: Path, names: Sequence[str] = LOCAL) -> Toolbox:
    sandbox = find_sandbox()
    if sandbox is None:
        pytest.skip(lacks())
    return default_registry(root=root, allow=list(names), sandbox=sandbox)


def agent_for(
    root: Path,
    think: Think = next_step,
    *,
    memory: Memory | None = None,
    bounds: Bounds | None = None,
    **more: Any,
) -> tuple[Agent, ScriptedBrain, list[Happening]]:
    events: list[Happening] = []
    brain = ScriptedBrain(think)
    made = memory or begin(Journal(None), str(root))
    agent = Agent(
        brain=brain,
        box=box_for(root),
        memory=made,
        tell=events.append,
        fence="f3nc3",
        bounds=bounds or Bounds(),
        **more,
    )
    return agent, brain, events
