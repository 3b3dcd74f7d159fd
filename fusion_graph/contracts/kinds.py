"""What a node kind is, how its nodes wait for their inputs, and the one door through which it works."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

from fusion_graph.contracts.tools import JsonSchema
from fusion_graph.messages import Completion, Message, Purpose
from fusion_graph.outputs import Draft, Gives, Value
from fusion_graph.pipeline import Node, NodeId, NodeSpec
from fusion_graph.values import mypyc_attr

if TYPE_CHECKING:
    import random

    from fusion_graph.errors import NodeFailed


# --- how a node waits -------------------------------------------------------------------------------------------------


class WaitAll(NamedTuple):
    """Every input is demanded at once; the edge says what it tolerates."""


class WaitGroup(NamedTuple):
    """A join: inputs are members. `quorum`: None = wait for all, need one; 0 = every member; n = go on with n.
    `window` > 0: members are demanded that many at a time and `agree` equal answers close the group."""

    quorum: int | None = None
    grace_s: float = 0.0
    agree: int = 0
    window: int = 0


class WaitFirst(NamedTuple):
    """A fallback: inputs that give drafts are options, demanded one after the other, or `hedge_after_s` after the
    start of the one before. Inputs that give an analysis or scores are demanded with the first group option."""

    hedge_after_s: float | None = None


Wait: TypeAlias = WaitAll | WaitGroup | WaitFirst


# --- what a kind is handed, and what it is ----------------------------------------------------------------------------


@mypyc_attr(acyclic=True)
@dataclass(init=False, slots=True, unsafe_hash=True)
class Input:
    """One input that has a value. `id` is the node named in `inputs`, not the node that wrote a draft in it."""

    id: Final[NodeId]
    value: Final[Value]

    def __init__(
        self,
        id: NodeId,  # noqa: A002 (the name of the field)
        value: Value,
    ) -> None:
        self.id = id
        self.value = value


@dataclass(init=False, slots=True, unsafe_hash=True)
class Ask:
    """One call a kind wants made. `round` keeps apart calls of one node with the same messages (refine rounds, pair
    orders); `response_format` asks the backend for JSON; `max_tokens` overrides the node's. `tools`: what this call
    offers, as it goes on the wire; `tool_choice` "none" forbids to use it. `reads`: what a reply means, where that is
    not what it says (a tool called in words); so it is judged whether it is usable."""

    messages: Final[tuple[Message, ...]]
    purpose: Final[Purpose]
    round: Final[int]
    response_format: Final[JsonSchema | None]
    max_tokens: Final[int | None]
    tools: Final[tuple[Mapping[str, Any], ...]]
    tool_choice: Final[str | None]
    reads: Final[Callable[[Completion], Completion] | None]

    def __init__(
        self,
        messages: tuple[Message, ...],
        purpose: Purpose = "note",
        round: int = 0,  # noqa: A002 (as above)
        response_format: JsonSchema | None = None,
        max_tokens: int | None = None,
        tools: tuple[Mapping[str, Any], ...] = (),
        tool_choice: str | None = None,
        reads: Callable[[Completion], Completion] | None = None,
    ) -> None:
        self.messages = messages
        self.purpose = purpose
        self.round = round
        self.response_format = response_format
        self.max_tokens = max_tokens
        self.tools = tools
        self.tool_choice = tool_choice
        self.reads = reads


class NodeContext(Protocol):
    """A kind's only door to the world. Caps, retries, timeouts, budget, streaming and events live behind it."""

    @property
    def node(self) -> Node: ...

    @property
    def conversation(self) -> tuple[Message, ...]:
        """The caller's messages, whole and in order."""

    @property
    def question(self) -> str:
        """The text of the last user message."""

    @property
    def inputs(self) -> Sequence[Input]:
        """The inputs that have a value, in file order; of a join the chosen members; of a fallback the chosen option
        first, then its analyses and scores."""

    @property
    def params(self) -> Mapping[str, Any]: ...

    @property
    def fence(self) -> str:
        """Random per run and unguessable: delimits untrusted text in prompts."""

    @property
    def committed(self) -> bool:
        """Text of this node has begun to reach the caller: what it wrote cannot be taken back any more."""

    def label(self, draft: Draft) -> str:
        """The run-wide blind label of a draft: A, B, ..., Z, AA, ... The same draft has the same label everywhere."""

    def rank(self, draft: Draft) -> int:
        """The draft's place in the run-wide seeded order; `order: shuffled` sorts by it."""

    def random(self, purpose: str) -> random.Random:
        """Seeded by the run's seed, the conversation, this node and `purpose`; never by time."""

    def complete(self, ask: Ask) -> Awaitable[Completion]:
        """One usable reply. Raises NodeFailed when attempts and alternates are spent; `text` then holds an unusable
        reply."""

    def complete_all(self, asks: Sequence[Ask]) -> Awaitable[Sequence[Completion | NodeFailed]]:
        """Many at once, in the order asked; a failure is a value, not an exception."""

    def degrade(self, reason: str, text: str, action: str) -> None:
        """Report that the node goes on differently than the file asks."""


class Calls(NamedTuple):
    """How many calls one execution of a node makes when nothing fails and nothing is retried."""

    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A node kind. Everything the graph and the engine know about it stands here; neither knows its name.

    `schema` holds one JSON Schema per own option (not the common or model-call ones, see `graph/schema`).
    `parse` makes the frozen options dataclass from the node's bound option values (own keys only; may be absent ones).
    A node computed in code (not `calls_model(options)`) is answered by `fold`, at once. One that calls a model is
    answered by `prompt`, when a single call does and its reply is the node's draft, else by `run`. `fold` and `run`
    give the node's value, `prompt` the messages; nodes with the same inputs and the same `system`, `prompt` and
    `present` share them. All may raise NodeFailed.
    `check(spec, gives)` yields (code, pointer suffix, message) for what the schema cannot say; `gives` maps each
    input's node id to its type.
    """

    name: str
    summary: str  # one line, for docs and `--help`
    version: int = 1  # raised when its prompts change, so that replies to the old ones are not taken for these
    role: str = "other"  # how reports group its calls: panel, judge, synth, refine or other
    takes: frozenset[Gives]
    gives: Callable[[Mapping[str, Any]], Gives]
    schema: Mapping[str, JsonSchema] = field(default_factory=dict)
    required: tuple[str, ...] = ()  # own or model options that must be there
    parse: Callable[[Mapping[str, Any]], Any]
    calls_model: Callable[[Mapping[str, Any]], bool] = lambda _options: True
    wait: Callable[[Any], Wait] = lambda _options: WaitAll()
    calls: Callable[[Node, int], Calls]  # (node, most drafts it may see)
    writes: bool = False  # its text is new: it may be the answer's writer and stream
    hands_on: bool = False  # may pass its first draft input on unchanged (refine)
    presents: bool = False  # shows drafts to a model: takes `present`
    uses_tools: bool = False  # its model may call the tools that the node lists
    needs_draft: bool = False  # fails with no_input when no draft is left
    response_format: Callable[[Any], Mapping[str, Any] | None] = lambda _options: None
    """The very object that its first call sends, known before a run; None: put together when it is needed."""
    held: Callable[[Any], str] = lambda _options: ""  # why the node cannot stream, by its own options; "" = it can
    defaults: Mapping[str, Any] = field(default_factory=dict)  # model options, below the pipeline's `defaults`
    ignores: frozenset[str] = frozenset()  # keys of the pipeline's `defaults` that do not reach this kind
    structural: bool = False  # expanded at load into plain nodes and a join
    prompt: Callable[[NodeContext], tuple[Message, ...]] | None = None
    run: Callable[[NodeContext], Awaitable[Value]] | None = None
    fold: Callable[[NodeContext], Value] | None = None
    check: Callable[[NodeSpec, Mapping[str, Gives]], Sequence[tuple[str, str, str]]] = lambda _spec, _gives: ()
