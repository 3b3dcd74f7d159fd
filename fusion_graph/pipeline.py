"""What a pipeline file means, as values. Written by `graph/reader`, expanded by `graph/expand`, bound to one run's
parameters by `graph/binding`; the engine sees the bound `Node`s only.

Until a pipeline is bound, options are plain document values in which a `$name` stands as `Param("name")`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, NewType

from fusion_graph.outputs import Gives

NodeId = NewType("NodeId", str)


class Param(NamedTuple):
    """A reference to a declared parameter, in the place of a value."""

    name: str


class Edge(NamedTuple):
    """One entry of `inputs`. `optional` is the `?` behind it."""

    node: NodeId
    optional: bool = False


# --- conditions: data, never code -------------------------------------------------------------------------------------

Operator = Literal["above", "below", "at_least", "at_most", "equals", "not_equals"]


class FieldRef(NamedTuple):
    """`<node>.<field>` in a `when`; the entry was split at its last dot."""

    node: NodeId
    field: str


class Comparison(NamedTuple):
    """One test of a `when`. A list compares by its length. `operand` may be a Param until bound."""

    subject: FieldRef | Param
    operator: Operator
    operand: Any


class AnyOf(NamedTuple):
    """`any: [...]`: true when one of its conditions is."""

    conditions: tuple[Condition, ...]


class Condition(NamedTuple):
    """A `when`: every entry must hold."""

    tests: tuple[Comparison | AnyOf, ...]


# --- as written, and after expansion ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Where an expanded node stands in its group. `draw` = (ordinal of the same model among the members, sample index):
    what keeps apart the calls of self-fusion and self-consistency."""

    group: NodeId
    key: str
    depth: int = 1  # from 1
    draw: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """One node. Before expansion as it stands in the file; after it, plain: a `layer` or `sample` spec is then the join
    node under the group's own id, its `inputs` are its members in order, and its `options` hold no `models`, `members`,
    `repeat`, `samples` or `spread` any more.

    `options` are the node's own keys merged over the pipeline's `defaults`, without the structural keys that have a
    field here.
    """

    id: NodeId
    kind: str
    inputs: tuple[Edge, ...] = ()
    after: tuple[NodeId, ...] = ()
    when: Condition | None = None
    description: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    member: Member | None = None
    backup: NodeId | None = (
        None  # a join of depth d > 1: the join of depth d-1, handed on when this one ends with nothing
    )
    pointer: str = ""  # JSON pointer of the node in its file, for messages found after expansion


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamSpec:
    """A declared parameter: its JSON Schema (`type` may also be `models`), default and text. `shape`: it changes the
    graph (it stands under models, members, samples, repeat, spread or key), so each value compiles to a plan of its
    own."""

    name: str
    schema: Mapping[str, Any]
    default: Any = None
    description: str = ""
    shape: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A valid pipeline, in graph form (a panel-form file arrives here already rewritten). Immutable; reused by all
    runs."""

    name: str
    description: str = ""
    params: Mapping[str, ParamSpec] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)  # keys of Limits; values may be Params
    seed: Any = None
    on_tool_turn: Literal["writer_only", "full"] = "writer_only"
    on_forced_tool: Literal["writer_only", "full"] = "full"  # a request that demands a tool call
    convene: Literal["always", "auto"] = "always"  # auto: on the server, the final writer decides
    forward: bool = False  # what a request says of its sender goes to the final writer's backend
    nodes: tuple[NodeSpec, ...] = ()
    output: NodeId = NodeId("")
    source: str = field(default="", repr=False)  # the document as JSON, without layout and comments
    digest: str = ""  # sha256 of that
    panel_form: bool = False
    file: str = "<pipeline>"


# --- bound to one run's parameters ------------------------------------------------------------------------------------


class ModelRef(NamedTuple):
    """`slug` or `slug@backend`; backend "" is the default one."""

    slug: str
    backend: str = ""

    @classmethod
    def parse(cls, text: str) -> ModelRef:
        """The tail after the last `@` is a backend only if it matches `[a-z][a-z0-9_-]*` and the `@` is not first:
        `claude@20250514` and `@cf/meta/x` are slugs (semantics 5)."""
        head, at, tail = text.rpartition("@")
        if at and head and tail and tail[0].isalpha() and all(c.isdigit() or c.islower() or c in "_-" for c in tail):
            return cls(head, tail) if tail.isascii() else cls(text)
        return cls(text)

    def __str__(self) -> str:
        return f"{self.slug}@{self.backend}" if self.backend else self.slug


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeout:
    """Seconds, per attempt."""

    first_token_s: float = 60.0
    idle_s: float = 30.0
    total_s: float = 120.0
    shortest_s: float = field(init=False, repr=False)  # the least of them, wanted for every attempt

    def __post_init__(self) -> None:
        object.__setattr__(self, "shortest_s", min(self.first_token_s, self.idle_s, self.total_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """`attempts` counts the first one too. Waits double from `backoff_s` with full jitter, capped at 8 s."""

    attempts: int = 3
    backoff_s: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """When a reply counts. Not blank, always; `complete` also refuses text that was cut off."""

    complete: bool = False
    match: str | None = None
    schema: Mapping[str, Any] | None = None
    holds_back: bool = field(init=False, repr=False)
    """True when the whole text must be seen before it is accepted, so the node cannot stream (semantics 3)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "holds_back", self.complete or self.match is not None or self.schema is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """How an answer is read from a text: the last match of `regex` (its first group), the last number, or a JSON
    pointer."""

    regex: str | None = None
    pointer: str | None = None
    last_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """How drafts are shown. `select`: "all", ("top", k) or ("random", k). `max_chars` per draft; 0 = no cut."""

    order: Literal["shuffled", "given"] = "shuffled"
    blind: bool = True
    own: Literal["show", "mark", "hide"] = "show"
    max_chars: int = 0
    select: Literal["all"] | tuple[Literal["top", "random"], int] = "all"


TIMEOUT, RETRY, USABLE, PRESENT = Timeout(), Retry(), Usable(), Present()  # what most nodes share


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """What a node that calls a model was told. `system` and `prompt` are templates (`graph/template`), None = the
    kind's own text. `temperature` etc. are in the request-independent `Sampling` that binding makes of the node's
    options."""

    model: ModelRef
    alternates: tuple[ModelRef, ...] = ()
    system: str | None = None
    prompt: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop_sequences: tuple[str, ...] = ()
    reasoning_effort: str | None = None
    inherit: bool = False  # takes what a request asks of the writer's style
    tools: tuple[str, ...] = ()
    timeout: Timeout = TIMEOUT
    retry: Retry = RETRY
    usable: Usable = USABLE
    extract: Extract | None = None
    present: Present = PRESENT
    cache: bool | Mapping[str, Any] | None = None
    models: tuple[ModelRef, ...] = field(init=False, repr=False)  # the model, then its alternates

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", (self.model, *self.alternates))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A run's bounds; None or 0 = none. `reserve_s` of `deadline_s` is kept for the output node."""

    deadline_s: float | None = None
    reserve_s: float = 0.0
    budget_usd: float | None = None
    max_calls: int | None = None
    max_tokens: int | None = None
    max_concurrency: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A plain node bound to a run's parameters: what the engine runs and what a kind reads.

    `model` is None for nodes computed in code. `options` is the kind's own frozen dataclass.
    """

    id: NodeId
    index: int
    kind: str
    gives: Gives
    inputs: tuple[Edge, ...] = ()
    model: ModelOptions | None = None
    options: Any = None
    member: Member | None = None
