"""What one run is asked, beside its pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fusion_graph.contracts import Memory
from fusion_graph.messages import Message, Sampling
from fusion_graph.pipeline import Limits


@dataclass(init=False, slots=True, unsafe_hash=True)
class RunRequest:
    """One question. `writer` holds what a caller wants of the final writer only: the fields that are set replace the
    node's own for every call whose text may become the answer. `limits` replaces the pipeline's (the caller has lowered
    them already, see `graph/overrides`). `stream`: emit TextDelta events while the answer is written. `max_tool_calls`
    lowers how often a node may call its tools."""

    messages: Final[tuple[Message, ...]]
    seed: Final[int | None]
    stream: Final[bool]
    n: Final[int]
    writer: Final[Sampling | None]
    limits: Final[Limits | None]
    run_id: Final[str]
    memory: Final[Memory | None]  # None: the run is not written down and buys every call
    max_tool_calls: Final[int | None]
    fence: Final[str]  # what delimits untrusted text in prompts; "" = drawn anew

    def __init__(
        self,
        messages: tuple[Message, ...],
        seed: int | None = None,
        stream: bool = False,
        n: int = 1,
        writer: Sampling | None = None,
        limits: Limits | None = None,
        run_id: str = "",
        memory: Memory | None = None,
        max_tool_calls: int | None = None,
        fence: str = "",
    ) -> None:
        self.messages = messages
        self.seed = seed
        self.stream = stream
        self.n = n
        self.writer = writer
        self.limits = limits
        self.run_id = run_id
        self.memory = memory
        self.max_tool_calls = max_tool_calls
        self.fence = fence


def ask(text: str, *, seed: int | None = None, stream: bool = False) -> RunRequest:
    """A request of one user message."""
    return RunRequest(messages=(Message("user", text),), seed=seed, stream=stream)
