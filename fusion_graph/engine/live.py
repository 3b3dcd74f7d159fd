"""The answer's text while it is written (semantics 3).

Every final call of a writer that is not held offers its text here. What the output's live chain leads to is passed
on; what is not live is kept, in case it becomes live. The first non-blank text passed on commits the run to that
node.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fusion_graph.events import TextDelta
from fusion_graph.graph import options
from fusion_graph.outputs import Draft

if TYPE_CHECKING:
    from fusion_graph.engine.run import Run


class Live:
    """One streamed run's outgoing text. `node` is the index it is committed to, -1 while nothing was sent."""

    __slots__ = ("_kept", "_run", "node")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._kept: dict[int, dict[int, list[str]]] = {}  # node -> choice -> text not yet sent
        self.node = -1

    def offers(self, i: int, choice: int) -> Callable[[str], None]:
        """Where a final call of node i puts its text. Whatever an earlier attempt left unsent is dropped."""
        self._kept.setdefault(i, {})[choice] = []
        return lambda text: self._offer(i, choice, text)

    def _offer(self, i: int, choice: int, text: str) -> None:
        if self.node == i:
            self._send(i, choice, text)
        elif self.node < 0:
            self._kept[i][choice].append(text)
            self._try(i)

    def refresh(self) -> None:
        """The plan moved: a node that wrote unread may be live now."""
        if self.node < 0:
            for i in list(self._kept):
                if self._run.progress.outcomes[i] is None:
                    self._try(i)

    def _try(self, i: int) -> None:
        kept, progress = self._kept[i], self._run.progress
        if not any(text.strip() for texts in kept.values() for text in texts) or i not in options.live(progress):
            return
        self.node = i
        progress.first_content(i)
        for choice in sorted(kept):
            for text in kept[choice]:
                self._send(i, choice, text)
        self._run.wake()

    def _send(self, i: int, choice: int, text: str) -> None:
        self._run.emit(TextDelta, self._run.bound.nodes[i].id, text, choice, False)

    def close(self, answer: tuple[Draft, ...]) -> None:
        """The run has its answer: what was not streamed is sent whole."""
        if self.node < 0:
            for choice, draft in enumerate(answer):
                self._run.emit(TextDelta, draft.node, draft.text, choice, True)
