"""A node whose model may call tools: its calls go through the same attempts, budget and events as any other's, and each
call of a tool is an event too."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from fusion_graph.engine.attempts import CallRun
from fusion_graph.engine.calls import complete
from fusion_graph.engine.toolloop import Offer, write_with_tools
from fusion_graph.engine.tooluse import Answered
from fusion_graph.errors import UsageError
from fusion_graph.events import ToolAnswered, ToolCalled
from fusion_graph.graph.diagnostics import nearest
from fusion_graph.messages import Told

if TYPE_CHECKING:
    from fusion_graph.contracts import Ask
    from fusion_graph.engine.run import Run
    from fusion_graph.graph.bound import Bound
    from fusion_graph.messages import Completion, ToolCall
    from fusion_graph.pipeline import Node
    from fusion_graph.toolbox import Toolbox

TOLD = 2000  # characters of a result that its event keeps


def check_tools(bound: Bound, box: Toolbox) -> None:
    """Raises UsageError for a tool that whoever started the program has not allowed, or that cannot run here."""
    for i, names in bound.tooled.items():
        node = bound.nodes[i]
        for name in names:
            if box.known and name not in box.known:
                near = nearest(name, box.known)
                hint = f"did you mean {near}?" if near else f"there are {', '.join(box.known)}"
                raise UsageError(f"node {node.id!r}: there is no tool {name}", hint=hint)
            if name not in box.tools:
                raise UsageError(
                    f"node {node.id!r} asks for the tool {name}, which is not allowed here",
                    hint=f"--allow-tools {name} allows it, if you trust the pipeline with it",
                )
            lack = box.tools[name].lacks(box.site)
            if lack:
                raise UsageError(f"node {node.id!r} asks for the tool {name}: {lack}")


def write_tooled(run: Run, node: Node, ask: Ask) -> Awaitable[Completion]:
    """The text of a node that has tools. A caller's own tools, or a wish for several texts, go before the node's."""
    writer, model = run.request.writer, node.model
    assert model is not None
    in_its_place = node.index in run.bound.writers and (run.request.n > 1 or (writer is not None and writer.tools))
    if in_its_place:
        run.degrade(node.id, "tools_left_out", "the request wants the writer's reply as it is", "no tools were offered")
        return NodeDoor(run, node).complete(ask)
    box = run.services.toolbox
    bounds = box.bounds
    if run.request.max_tool_calls is not None:
        bounds = bounds._replace(calls=min(bounds.calls, run.request.max_tool_calls))
    if run.deadline is not None:
        bounds = bounds._replace(seconds=min(bounds.seconds, run.deadline - run.clock()))
    native = run.services.lanes[model.model.backend].takes_tools
    offer = Offer(tuple(box.tools[name] for name in model.tools), box.site, bounds, run.fence, native)
    return write_with_tools(NodeDoor(run, node), ask, offer)


class NodeDoor:
    """One execution of one node, as the loop sees it."""

    def __init__(self, run: Run, node: Node) -> None:
        self._run = run
        self._node = node
        self._calls = 0

    def complete(self, ask: Ask) -> Awaitable[Completion]:
        number = self._calls
        self._calls += 1
        return complete(CallRun(self._run, self._node, ask, number))

    async def known(self, number: int, call: ToolCall, *, mutates: bool) -> Told | None:
        run = self._run
        run.emit((run.clock(), ToolCalled, self._node.id, number, call.name, call.arguments[:TOLD]))
        if run.memory is None:
            return None
        known = run.memory.told(self._node, number, call)
        if known is None:
            run.memory.use(self._node, number, call)
            if mutates:  # what it changes stays: that it begins must be on disk first
                await run.memory.commit()
        return known

    def answered(self, number: int, call: ToolCall, answer: Answered) -> None:
        run, text = self._run, answer.text[:TOLD]
        if run.memory is not None:
            run.memory.use(self._node, number, call, Told(answer.ok, answer.text))
        told = (self._node.id, number, call.name, answer.ok, text, answer.seconds, answer.sources)
        run.emit((run.clock(), ToolAnswered, *told))

    def degrade(self, reason: str, text: str, action: str) -> None:
        self._run.degrade(self._node.id, reason, text, action)
