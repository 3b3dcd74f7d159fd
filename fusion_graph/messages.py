"""What goes to a model and what comes back, in no provider's dialect. Pure values, cheap to make where a run
makes some per call (`values`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from fusion_graph.values import mypyc_attr

Role = Literal["system", "user", "assistant", "tool"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
Purpose = Literal["note", "draft", "final"]
"""What a call's text is for. note: read by the node only (a critique, a verdict). draft: may become the node's text but
can still be replaced. final: nothing in this node can replace it once it has begun, so it may stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """One call a model asks for. `arguments` is the JSON text as it came; nobody has parsed it yet."""

    id: str
    name: str
    arguments: str


class Told(NamedTuple):
    """What a model was told of a call of a tool. `ok` None: nobody knows whether it happened."""

    ok: bool | None
    text: str


class Message(NamedTuple):
    """One turn. `content` is text, or the caller's multimodal parts, which are forwarded and never opened."""

    role: Role
    content: str | tuple[Mapping[str, Any], ...]
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """The text of this turn; of parts, their text parts joined by a newline."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(str(part.get("text", "")) for part in self.content if part.get("type") == "text")


def with_system(messages: tuple[Message, ...], words: str) -> tuple[Message, ...]:
    """The words at the end of the first system message, or as one."""
    if messages and messages[0].role == "system" and isinstance(messages[0].content, str):
        return (Message("system", f"{messages[0].content}\n\n{words}"), *messages[1:])
    return (Message("system", words), *messages)


class Usage(NamedTuple):
    """Tokens of one or more attempts, as the backend reported them, else estimated (then `estimated` is true)."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    cost_usd: float | None = None  # the backend's own figure; None if it reported none
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


NO_USAGE = Usage()


def total_usage(usages: Sequence[Usage]) -> Usage:
    """Tokens alone: what backends say of their prices is in the cost."""
    if not usages:
        return NO_USAGE
    if len(usages) == 1 and usages[0].cost_usd is None:
        return usages[0]
    prompt = completion = reasoning = cached = 0
    estimated = False
    for usage in usages:
        prompt += usage.prompt_tokens
        completion += usage.completion_tokens
        reasoning += usage.reasoning_tokens
        cached += usage.cached_tokens
        estimated = estimated or usage.estimated
    return Usage(prompt, completion, reasoning, cached, None, estimated)


def total_cost(costs: Iterable[float | None]) -> float | None:
    """The sum in US dollars, None as soon as one part is unknown."""
    total: float | None = 0.0
    for cost in costs:
        total = both_costs(total, cost)
    return total


def both_costs(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one + other


class Sampling(NamedTuple):
    """Everything about a call that is not its model and messages. None = not set = not sent."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop_sequences: tuple[str, ...] = ()
    reasoning_effort: str | None = None
    response_format: Mapping[str, Any] | None = None
    tools: tuple[Mapping[str, Any], ...] = ()  # OpenAI function tools, as they go on the wire
    tool_choice: str | Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = MappingProxyType({})  # further writer-only fields of a request, passed on


@mypyc_attr(acyclic=True)
@dataclass(init=False, slots=True, unsafe_hash=True)
class Call:
    """One request to a model, provider-free. `draw` = (ordinal of the same model in its layer, sample, round, choice)
    keeps apart calls that are otherwise the same, as self-fusion and self-consistency need. `purpose` is never sent."""

    model: Final[str]
    messages: Final[tuple[Message, ...]]
    sampling: Final[Sampling]
    draw: Final[tuple[int, int, int, int]]
    purpose: Final[Purpose]

    def __init__(
        self,
        model: str,
        messages: tuple[Message, ...],
        sampling: Sampling,
        draw: tuple[int, int, int, int] = (0, 0, 0, 0),
        purpose: Purpose = "final",
    ) -> None:
        self.model = model
        self.messages = messages
        self.sampling = sampling
        self.draw = draw
        self.purpose = purpose


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a streamed tool call: `id` and `name` come once, `arguments` in pieces."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@mypyc_attr(acyclic=True)
@dataclass(init=False, slots=True, unsafe_hash=True)
class Delta:
    """A piece of a reply while it is written. Every delta carries content; keep-alives and role-only chunks are not
    deltas. `whole`: nothing but counts of tokens can follow; whatever happens now, the reply is not lost."""

    text: Final[str]
    reasoning: Final[str]
    tool_calls: Final[tuple[ToolCallDelta, ...]]
    whole: Final[bool]

    def __init__(
        self,
        text: str = "",
        reasoning: str = "",
        tool_calls: tuple[ToolCallDelta, ...] = (),
        whole: bool = False,
    ) -> None:
        self.text = text
        self.reasoning = reasoning
        self.tool_calls = tool_calls
        self.whole = whole


WHOLE = Delta(whole=True)


@mypyc_attr(acyclic=True)
@dataclass(init=False, slots=True, unsafe_hash=True)
class Completion:
    """A whole reply. `usage` is None if the backend reported none; `model` is the name the backend gave, or the one
    asked."""

    text: Final[str]
    tool_calls: Final[tuple[ToolCall, ...]]
    finish_reason: Final[FinishReason]
    reasoning: Final[str]
    refusal: Final[str | None]
    usage: Final[Usage | None]
    model: Final[str]
    simulated: Final[bool]
    logprobs: Final[Mapping[str, Any] | None]  # as the backend gave them, if it was asked and did
    stop_sequence: Final[str]  # the stop text that ended it, where the backend says so
    notes: Final[tuple[str, ...]]  # what was normalised on the way, for the trace

    def __init__(
        self,
        text: str = "",
        tool_calls: tuple[ToolCall, ...] = (),
        finish_reason: FinishReason = "stop",
        reasoning: str = "",
        refusal: str | None = None,
        usage: Usage | None = None,
        model: str = "",
        simulated: bool = False,
        logprobs: Mapping[str, Any] | None = None,
        stop_sequence: str = "",
        notes: tuple[str, ...] = (),
    ) -> None:
        self.text = text
        self.tool_calls = tool_calls
        self.finish_reason = finish_reason
        self.reasoning = reasoning
        self.refusal = refusal
        self.usage = usage
        self.model = model
        self.simulated = simulated
        self.logprobs = logprobs
        self.stop_sequence = stop_sequence
        self.notes = notes
