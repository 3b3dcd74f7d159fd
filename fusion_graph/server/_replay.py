"""What was paid for and never delivered: the finished calls of runs that failed, were cut or whose client left. A
client that sends the same conversation again gets them instead of buying them anew (wire contract 1.7).

Delivered runs are never kept, so the same prompt sent twice on purpose is two runs. Nothing crosses from one key to
another.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace

from fusion_graph.contracts import Provider, Sink
from fusion_graph.messages import Call, Completion, Delta, Message, ToolCallDelta, Usage
from fusion_graph.store.digest import call_digest
from fusion_graph.store.door import Attempt, guarded

KEPT_S = 600.0
MAX_RUNS = 256
MAX_BYTES = 64 << 20
REPLAYED = "replayed"
"""The note on a completion that was not bought again."""

Known = Mapping[str, Completion]


class Recall:
    """One run's memory: what earlier tries were answered, and what this one is. `fence` is that of the first try, so
    that prompts with drafts in them are the same again. Each answer is given once: one that turns out to be of no use
    must not come back on every attempt."""

    __slots__ = ("_lent", "fence", "finished", "known", "overhear", "used")

    def __init__(self, fence: str = "", known: Known | None = None) -> None:
        self.fence = fence
        self.known = {} if known is None else dict(known)
        self.finished: list[tuple[str, Call, Completion]] = []
        self.used: dict[str, Completion] = {}
        self._lent: list[tuple[str, Completion]] = []  # of these, what the run got to see
        self.overhear: Callable[[Call, Sink], Sink] | None = None  # somebody wants to see what every model writes

    def find(self, backend: str, call: Call) -> Completion | None:
        if not self.known:
            return None
        digest = digest_of(backend, call)
        found = self.known.pop(digest, None)
        if found is None:
            return None
        self.used[digest] = found
        lent = replace(found, usage=Usage(cost_usd=0.0), notes=(*found.notes, REPLAYED))
        self._lent.append((digest, lent))
        return lent

    def keep_only(self, usable: Collection[Completion]) -> None:
        """Forget what the run had no use for: it must not come back. These are the replies that it took."""
        taken = {id(completion) for completion in usable}
        self.finished = [done for done in self.finished if id(done[2]) in taken]
        self.used = {digest: self.used[digest] for digest, lent in self._lent if id(lent) in taken}

    def clear(self) -> None:
        """The run is over. Timers and connections that were made in it keep what was around it, some for long."""
        self.known, self.used, self.finished, self._lent, self.overhear = {}, {}, [], [], None

    def all(self) -> dict[str, Completion]:
        """Everything known by now, by digest."""
        return {**self.known, **self.used, **{digest_of(backend, call): c for backend, call, c in self.finished}}


CURRENT: ContextVar[Recall | None] = ContextVar("recall", default=None)
"""Of the run that the current task belongs to; tasks that a run starts inherit it."""


def digest_of(backend: str, call: Call) -> str:
    """Everything that shapes a reply; not who asks, nor what for. The fence stays in: it is the first try's again."""
    return call_digest("", 0, backend, call, "")


# --- between the engine and the models --------------------------------------------------------------------------------


def remembering(providers: Mapping[str, Provider]) -> Mapping[str, Provider]:
    """The same providers, with a memory for runs that have one."""
    return guarded(providers, _remember)


async def _remember(attempt: Attempt, sink: Sink) -> Completion:
    """Look into the run's memory before asking, and note what was answered."""
    recall = CURRENT.get()
    if recall is None:
        return await attempt.ask(sink)
    if recall.overhear is not None:
        sink = recall.overhear(attempt.call, sink)
    known = recall.find(attempt.backend, attempt.call)
    if known is not None:
        pieces = (ToolCallDelta(i, c.id, c.name, c.arguments) for i, c in enumerate(known.tool_calls))
        sink(Delta(text=known.text, tool_calls=tuple(pieces)))
        return known
    completion = await attempt.ask(sink)
    recall.finished.append((attempt.backend, attempt.call, completion))
    return completion


# --- between requests -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kept:
    at: float
    fence: str
    known: Known
    size: int


class Replays:
    """What was not delivered, by key and conversation; bounded in number, bytes and time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def recall(self, tenant: str, messages: tuple[Message, ...]) -> Recall:
        """The memory for a run of this conversation."""
        if not self._kept:
            return Recall()
        self._expire()
        kept = self._kept.get((tenant, conversation(messages)))
        return Recall() if kept is None else Recall(kept.fence, kept.known)

    def keep(self, tenant: str, messages: tuple[Message, ...], recall: Recall) -> None:
        """The run was not delivered."""
        known = recall.all()
        if not known:
            return
        self.drop(tenant, messages)
        size = sum(len(c.text) + len(c.reasoning) + sum(len(t.arguments) for t in c.tool_calls) for c in known.values())
        if size > MAX_BYTES:
            return
        self._kept[tenant, conversation(messages)] = _Kept(self._clock(), recall.fence, known, size)
        self.size += size
        while len(self._kept) > MAX_RUNS or self.size > MAX_BYTES:
            self.size -= self._kept.popitem(last=False)[1].size

    def drop(self, tenant: str, messages: tuple[Message, ...]) -> None:
        """The run was delivered: the next one is a new one."""
        kept = self._kept.pop((tenant, conversation(messages)), None) if self._kept else None
        self.size -= kept.size if kept else 0

    def _expire(self) -> None:
        now = self._clock()
        while self._kept and next(iter(self._kept.values())).at < now - KEPT_S:
            self.size -= self._kept.popitem(last=False)[1].size


def conversation(messages: tuple[Message, ...]) -> str:
    return hashlib.sha256(repr(messages).encode("utf-8", "surrogatepass")).hexdigest()
