"""What a client asks for, in no wire's words: what every endpoint that answers a conversation reads its body into. Pure
values; nothing here knows which pipelines there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fusion_graph.messages import Message, Sampling
from fusion_graph.values import frozen


@dataclass(frozen=True, slots=True, kw_only=True)
class Convening:
    """What OpenRouter's fusion plugin or tool asks for (wire contract 2). What is empty or None was not said.
    `max_tokens`, `reasoning_effort` and `reasoning_tokens` are for panel and judge, the rest for the panel alone;
    `else_tokens` is for those of them whose node says nothing either. `tools` are names of those that may be used; ()
    forbids all."""

    door: str  # plugin or tool: what asked, and so where a mistake stands
    preset: str = ""
    panel: tuple[str, ...] = ()
    judge: str = ""
    max_tokens: int | None = None
    else_tokens: int | None = None
    reasoning_effort: str | None = None
    reasoning_tokens: int | None = None
    temperature: float | None = None
    max_tool_calls: int | None = None
    tools: tuple[str, ...] | None = None


@frozen
class Asked:
    """One question. `block` is the `fusion` object without the server's own keys; `solo`: the final writer alone;
    `sender` is what it says of who sends it; `ignored` names every field that was accepted and not honoured."""

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    n: int = 1
    seed: int | None = None
    writer: Sampling | None = None
    sender: Mapping[str, Any] = field(default_factory=dict)
    block: Mapping[str, Any] = field(default_factory=dict)
    include: frozenset[str] = frozenset()
    solo: bool = False
    convening: Convening | None = None
    ignored: tuple[str, ...] = ()

    @property
    def shows(self) -> bool:
        """The client wants to see the fusion, not its answer alone."""
        return "progress" in self.include or (self.convening is not None and not self.solo)
