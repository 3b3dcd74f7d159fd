"""The door a kind works through: its inputs, the run's labels and seeds, and calls. Implements
contracts.NodeContext."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fusion_graph.contracts import Ask, Input
from fusion_graph.engine.attempts import CallRun
from fusion_graph.engine.calls import complete, complete_all, complete_choices
from fusion_graph.engine.run import Run, label
from fusion_graph.engine.tooled import write_tooled
from fusion_graph.pipeline import NodeId

if TYPE_CHECKING:
    from fusion_graph.errors import NodeFailed
    from fusion_graph.messages import Completion, Message
    from fusion_graph.outputs import Draft
    from fusion_graph.pipeline import Node


class Context:
    """One execution of one node."""

    __slots__ = ("_calls", "_run", "conversation", "fence", "inputs", "node")

    def __init__(self, run: Run, node: Node) -> None:
        self._run = run
        self._calls = 0
        self.node = node
        self.fence = run.fence
        self.conversation: tuple[Message, ...] = run.request.messages if node.index in run.bound.writers else run.quoted
        self.inputs: Sequence[Input] = self._read() if node.inputs else ()

    @property
    def question(self) -> str:
        asked = [message for message in self._run.request.messages if message.role == "user"]
        return asked[-1].text if asked else ""

    @property
    def params(self) -> Mapping[str, Any]:
        return self._run.bound.params

    def _read(self) -> Sequence[Input]:
        progress, i, found = self._run.progress, self.node.index, []
        for s in progress.states[i].chosen or progress.plan.sources[i]:
            outcome = progress.states[s].outcome
            if outcome is not None and outcome.value is not None:
                found.append(Input(NodeId(progress.plan.ids[s]), outcome.value))
        return found

    @property
    def committed(self) -> bool:
        live = self._run.live
        return live is not None and live.node == self.node.index

    def label(self, draft: Draft) -> str:
        return label((self._run.places or self._run.ranks())[draft.node])

    def rank(self, draft: Draft) -> int:
        return (self._run.places or self._run.ranks())[draft.node]

    def random(self, purpose: str) -> random.Random:
        return self._run.random(f"{self.node.id}/{purpose}")

    def complete(self, ask: Ask) -> Awaitable[Completion]:
        run, n = self._run, self._run.request.n
        if n == 1 or ask.purpose != "final" or self.node.index not in run.bound.writers:
            return complete(self._call(ask))
        return complete_choices([self._call(ask, choice) for choice in range(n)])

    def complete_all(self, asks: Sequence[Ask]) -> Awaitable[Sequence[Completion | NodeFailed]]:
        return complete_all([self._call(ask) for ask in asks])

    def _call(self, ask: Ask, choice: int = 0) -> CallRun:
        number = self._calls
        self._calls += 1
        return CallRun(self._run, self.node, ask, number, choice)

    def degrade(self, reason: str, text: str, action: str) -> None:
        self._run.degrade(self.node.id, reason, text, action)


def begin(run: Run, i: int) -> Awaitable[Any]:
    """What a started node is awaited for: its value; of a kind with a `prompt` the reply that becomes its draft. That
    prompt is made once for all nodes that share it. Raises NodeFailed."""
    bound = run.bound
    node, kind, place = run.nodes[i], run.kinds[i], bound.prompts[i]
    if kind.run is not None:
        return kind.run(Context(run, node))
    ask = run.prompts.get(place)
    if ask is None:
        assert kind.prompt is not None
        ask = Ask(kind.prompt(Context(run, node)), "final")
        if place >= 0:
            run.prompts[place] = ask
    if i in bound.tooled:
        return write_tooled(run, node, ask)
    return complete(CallRun(run, node, ask)) if run.request.n == 1 else Context(run, node).complete(ask)
