"""The answer while it is written: text and tool calls (semantics 3).

Every final call of a writer that is not held offers its pieces here. What the output's live chain leads to is passed
on; what is not live is kept, in case it becomes live. The first content passed on, non-blank text or a tool call,
commits the run to that node.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from fusion_graph.events import TextDelta, ToolDelta
from fusion_graph.graph import options
from fusion_graph.messages import Delta, ToolCallDelta
from fusion_graph.outputs import Draft

if TYPE_CHECKING:
    from fusion_graph.engine.run import Run


class Live:
    """One streamed run's outgoing text. `node` is the index it is committed to, -1 while nothing was sent."""

    __slots__ = ("_kept", "_run", "node")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._kept: dict[int, dict[int, list[Delta]]] = {}  # node -> choice -> what was not sent yet
        self.node = -1

    def offers(self, i: int, choice: int) -> Callable[[Delta], None]:
        """Where a final call of node i puts its pieces. Whatever an earlier attempt left unsent is dropped."""
        self._kept.setdefault(i, {})[choice] = []
        return partial(self._offer, i, choice)

    def forget(self, i: int, choice: int) -> None:
        """An attempt failed: what it left unsent must not be sent when the node becomes live before the next one."""
        if i in self._kept:
            self._kept[i][choice] = []

    def _offer(self, i: int, choice: int, delta: Delta) -> None:
        run = self._run
        if self.node == i:  # nearly every piece: as straight as can be
            name = run.nodes[i].id
            if delta.text:
                run.emit((run.clock(), TextDelta, name, delta.text, choice, False))
            if delta.tool_calls:
                run.emit((run.clock(), ToolDelta, name, delta.tool_calls, choice, False))
        elif self.node < 0:
            self._kept[i][choice].append(delta)
            self._try(i)

    def refresh(self) -> None:
        """The plan moved: a node that wrote unread may be live now."""
        if self.node < 0:
            for i in list(self._kept):
                if self._run.progress.states[i].outcome is None:
                    self._try(i)

    def _try(self, i: int) -> None:
        kept, progress = self._kept[i], self._run.progress
        if not any(d.text.strip() or d.tool_calls for deltas in kept.values() for d in deltas):
            return
        if i not in options.live(progress):
            return
        self.node = i
        progress.first_content(i)
        for choice in sorted(kept):
            for delta in kept[choice]:
                self._offer(i, choice, delta)
        self._run.wake()

    def close(self, answer: tuple[Draft, ...]) -> None:
        """The run has its answer: what was not streamed is sent whole."""
        if self.node >= 0:
            return
        for choice, draft in enumerate(answer):
            if draft.text or not draft.tool_calls:
                self._run.emit((self._run.clock(), TextDelta, draft.node, draft.text, choice, True))
            if draft.tool_calls:
                pieces = (ToolCallDelta(k, c.id, c.name, c.arguments) for k, c in enumerate(draft.tool_calls))
                self._run.emit((self._run.clock(), ToolDelta, draft.node, tuple(pieces), choice, True))
