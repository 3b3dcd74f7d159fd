"""What a run remembers: where it is written down, and the replies it need not buy again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from fusion_graph.messages import Call, Completion, Told, ToolCall
from fusion_graph.pipeline import Node

if TYPE_CHECKING:
    from fusion_graph.events import Event


class Recalled(NamedTuple):
    """A reply that need not be bought again: of this run's own journal (`replayed`), or of another run (`cached`)."""

    state: Literal["replayed", "cached"]
    completion: Completion


class Memory(Protocol):
    """What a run has beside its models: where it is written down, and what it need not pay for again. Of earlier tries
    it holds how they closed joins and chose in fallbacks (`decided`, by node id), what they went without (`lost`: node,
    reason, text, action; told where this try does not ask the node again) and what they cost (`spent`: dollars, calls,
    tokens)."""

    decided: Mapping[str, tuple[str, ...]]
    lost: Sequence[tuple[str, str, str, str]]
    spent: tuple[float, int, int]

    def tell(self, event: Event) -> None:
        """It hears every event of the run at once."""

    async def commit(self) -> None:
        """Awaited before a call leaves: what was told so far is then on disk, or cannot be. Never raises."""

    def recall(self, node: Node, backend: str, call: Call) -> Recalled | None:
        """The reply to this very call, if it is there. Each is given once: one of no use must not come back."""

    def keep(self, node: Node, backend: str, call: Call, completion: Completion) -> None: ...  # one was bought

    def told(self, node: Node, number: int, call: ToolCall) -> Told | None:
        """What an earlier try's very same call of a tool gave, if it made one."""

    def use(self, node: Node, number: int, call: ToolCall, told: Told | None = None) -> None: ...  # it began, or ended
