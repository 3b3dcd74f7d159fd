"""Everything that happens in a run, as frozen values in order. Progress, traces, costs and `degraded` are folds over
them.

`at` is in seconds since the run began. A run has several events per node, so they are named tuples, and a Trace makes
them only when somebody looks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from fusion_graph.messages import Call, Completion, ToolCallDelta, Usage
from fusion_graph.outputs import State, Value
from fusion_graph.pipeline import Node


class RunStarted(NamedTuple):
    at: float
    run_id: str
    pipeline: str
    nodes: tuple[Node, ...]
    seed: int


class NodeReady(NamedTuple):
    """Its inputs are settled and it may begin."""

    at: float
    node: str


class NodeStarted(NamedTuple):
    at: float
    node: str


class CallStarted(NamedTuple):
    """One attempt leaves. `call` numbers the node's calls from 0, `attempt` the tries of one call from 1.
    `reserved_usd`: what a run with a budget has set aside for it; None in one without."""

    at: float
    node: str
    call: int
    attempt: int
    model: str
    request: Call
    reserved_usd: float | None = None


class FirstToken(NamedTuple):
    """The first content of an attempt, read by anyone or not."""

    at: float
    node: str
    call: int


class TextDelta(NamedTuple):
    """Text of the answer as it is written; only streamed runs have these. `whole`: an accepted text sent in one
    piece."""

    at: float
    node: str
    text: str
    choice: int = 0
    whole: bool = False


class ToolDelta(NamedTuple):
    """Pieces of the answer's tool calls as they are written, beside its TextDeltas and in the same order."""

    at: float
    node: str
    pieces: tuple[ToolCallDelta, ...]
    choice: int = 0
    whole: bool = False


class CallFinished(NamedTuple):
    """An attempt was answered. `cost_usd` is None when nobody knows the price. `exact`: the backend reported usage."""

    at: float
    node: str
    call: int
    attempt: int
    model: str
    completion: Completion
    usage: Usage
    cost_usd: float | None
    exact: bool


class CallRecalled(NamedTuple):
    """A call that was not made: its reply was `replayed` from this run's journal, or `cached` from another run."""

    at: float
    node: str
    call: int
    model: str
    state: State
    completion: Completion


class CallFailed(NamedTuple):
    """An attempt failed or was cancelled; what it may have cost counts. `next_s`: the wait before the next attempt,
    None when there is none. `text` is what had arrived, or the unusable text; `status` and `retry_after_s` what the
    upstream said."""

    at: float
    node: str
    call: int
    attempt: int
    model: str
    reason: str
    message: str
    usage: Usage
    cost_usd: float | None
    next_s: float | None = None
    text: str = ""
    status: int | None = None
    retry_after_s: float | None = None


class GroupClosed(NamedTuple):
    """A join or fallback chose. `chosen` in member order; `late` members were still running."""

    at: float
    node: str
    chosen: tuple[str, ...]
    late: tuple[str, ...]


class Degraded(NamedTuple):
    """Something was done differently than the file asks, other than a node failing (which its NodeFinished tells)."""

    at: float
    node: str
    reason: str
    text: str
    action: str


class ToolCalled(NamedTuple):
    """A node's model asks for a tool. `number` counts the node's calls of tools from 0; `arguments` as the model wrote
    them."""

    at: float
    node: str
    number: int
    tool: str
    arguments: str


class ToolAnswered(NamedTuple):
    """What the model is told. `ok`: the tool did what was asked; else `text` says what was wrong. `sources`: address
    and title of each page it stands on."""

    at: float
    node: str
    number: int
    tool: str
    ok: bool
    text: str
    seconds: float
    sources: tuple[tuple[str, str], ...] = ()


class NodeFinished(NamedTuple):
    """Ended ok, cached, replayed, failed or cancelled."""

    at: float
    node: str
    state: State
    reason: str = ""
    detail: str = ""
    value: Value | None = None


class NodeSkipped(NamedTuple):
    at: float
    node: str
    reason: str


class RunFinished(NamedTuple):
    """`state`: ok, degraded, failed or cancelled. `reason` is there when it failed."""

    at: float
    state: str
    reason: str = ""


Event: TypeAlias = (
    RunStarted
    | NodeReady
    | NodeStarted
    | CallStarted
    | FirstToken
    | TextDelta
    | ToolDelta
    | CallFinished
    | CallRecalled
    | CallFailed
    | GroupClosed
    | ToolCalled
    | ToolAnswered
    | Degraded
    | NodeFinished
    | NodeSkipped
    | RunFinished
)

Listener: TypeAlias = Callable[[Event], None]
"""Called at once, in order, from inside the run: it must return quickly and not raise."""


Record: TypeAlias = tuple[Any, ...]
"""Events before anybody looks at them: of each the clock's time, its type, then all its fields behind `at`."""


class Trace:
    """What happened in one run, from a clock's time on. `flat` holds the records one behind the other, as one long list
    gives the garbage collector nothing to do; events are made of it when somebody looks, or listens."""

    __slots__ = ("_events", "_listener", "_read", "began", "flat")

    def __init__(self, began: float, listener: Listener | None = None) -> None:
        self.began = began
        self._listener = listener
        self._events: list[Event] = []
        self._read = 0
        self.flat: list[Any] = []

    def tell(self, record: Record) -> None:
        """Add a record and tell the listener. Where nobody listens, `flat.extend` does the same."""
        flat, kind = self.flat, record[1]
        if self._read < len(flat) or len(record) != 1 + len(kind._fields):  # several events, or some that wait
            flat.extend(record)
            self._read_on(self._listener)
            return
        flat.extend(record)
        self._read = len(flat)
        event = kind._make((record[0] - self.began, *record[2:]))
        self._events.append(event)
        if self._listener is not None:
            self._listener(event)

    @property
    def events(self) -> list[Event]:
        """Everything so far. The list grows when it is asked for again."""
        self._read_on(None)
        return self._events

    def _read_on(self, listener: Listener | None) -> None:
        flat = self.flat
        while self._read < len(flat):  # a listener may have read on meanwhile
            start = self._read
            kind = flat[start + 1]
            self._read = start + 1 + len(kind._fields)
            event = kind._make((flat[start] - self.began, *flat[start + 2 : self._read]))
            self._events.append(event)
            if listener is not None:
                listener(event)
