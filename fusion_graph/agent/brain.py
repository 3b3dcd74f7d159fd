"""What an agent thinks with, whatever that is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from fusion_graph.errors import RunFailed
from fusion_graph.messages import Completion, Message


class Lost(RunFailed):
    """The brain gave no reply; what it cost all the same."""

    tokens = 0
    cost_usd: float | None = 0.0


class Reply(NamedTuple):
    """What the brain said, and what it took."""

    completion: Completion
    tokens: int
    cost_usd: float | None


class Brain(Protocol):
    """A model or a pipeline. `takes_tools`: it takes them as such, else they are described in words."""

    takes_tools: bool

    async def think(
        self, messages: tuple[Message, ...], tools: Sequence[Mapping[str, Any]], *, run_id: str = ""
    ) -> Reply:
        """Raises Lost. A run of this id that was cut off goes on."""
