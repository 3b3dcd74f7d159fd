"""What a provider is, the address it reaches models at, and the client it opens there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from fusion_graph.messages import Call, Completion, Delta


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """An address with its limits, from settings only. The key never shows in a repr."""

    name: str
    provider: str = "openai"  # a name in the table of providers
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    max_concurrency: int = 0  # 0 = no cap
    requests_per_minute: int = 0
    free: bool = False  # declared price 0
    tools: bool = True  # its models take tools; else they are described to them in words
    options: Mapping[str, Any] = field(default_factory=dict)  # provider-specific (the sim's latency, ...)


DEPTH_HEADER = "x-openrouter-fusion-depth"
DEPTH: ContextVar[int] = ContextVar("depth", default=0)
"""How many fusions the current task is within; a provider tells its upstream one more, so that rings end."""
Sink: TypeAlias = Callable[[Delta], None]


class Client(Protocol):
    """An open provider: talks to one backend until closed. Safe for many calls at once."""

    async def complete(self, call: Call, sink: Sink) -> Completion:
        """Make one attempt: no retries, no timeouts of its own beyond connecting (the engine cancels it).

        Calls `sink` with each piece of content as it arrives (a provider that cannot stream need not), and with content
        only: the engine takes every delta as proof that the model is alive. Raises Transient or Permanent with a reason
        code of the fault table. Cancelling must close the connection at once.
        """

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A way to reach models. `open` is called once per backend and process, inside the event loop, on first use."""

    name: str
    summary: str
    open: Callable[[Backend], Client]
    needs_key: bool = False
    free: bool = False  # its calls cost 0
    tools: bool = True  # its models take tools as such
