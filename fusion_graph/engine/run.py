"""One run's shared state: what every node of it reads, and the list of what happened. It starts and decides nothing."""

from __future__ import annotations

import hashlib
import random
import secrets
from collections.abc import Callable, Mapping
from struct import unpack
from typing import TYPE_CHECKING

from fusion_graph.engine.live import Live
from fusion_graph.engine.quoting import quote_tools
from fusion_graph.events import Degraded, Listener, Record, Trace
from fusion_graph.graph.progress import Progress
from fusion_graph.messages import Completion, Message
from fusion_graph.outputs import State
from fusion_graph.pipeline import Limits

if TYPE_CHECKING:
    import asyncio

    from fusion_graph.contracts import Ask, Memory
    from fusion_graph.engine.attempts import CallRun
    from fusion_graph.engine.ledger import Ledger
    from fusion_graph.engine.request import RunRequest
    from fusion_graph.engine.services import Services
    from fusion_graph.graph.bound import Bound
    from fusion_graph.messages import Sampling


class Run:
    """Flat and slotted: one object per run, lists by node index, no closures per node."""

    __slots__ = (
        "bound", "cap", "choices", "clock", "deadline", "emit", "fence", "interruptible", "kinds", "ledger", "limits",
        "live", "memory", "nodes", "origins", "places", "progress", "prompts", "quoted", "request", "run_id",
        "samplings", "seed", "services", "tasks", "trace", "troubled", "unasked", "wake",
    )  # fmt: skip

    def __init__(self, services: Services, bound: Bound, request: RunRequest, listener: Listener | None) -> None:
        self.services = services
        self.clock = services.clock
        self.bound = bound
        self.nodes, self.kinds = bound.nodes, bound.kinds
        self.request = request
        self.limits: Limits = request.limits or bound.limits
        self.memory = memory = request.memory
        self.progress = Progress(bound.plan, bound.opening, None if memory is None else _decided(bound, memory))
        token = "" if request.run_id and request.fence else secrets.token_bytes(14).hex()
        self.run_id = request.run_id or token[:16]
        self.fence = request.fence or token[16:]  # delimits untrusted text in prompts; random, so no draft can close it
        self.seed = request.seed if request.seed is not None else bound.seed or 0
        self.quoted = quote_tools(request.messages)  # the conversation for whoever is given no tools
        self.trace = Trace(self.clock(), listener)
        self.emit: Callable[[Record], None] = self.trace.tell if listener else self.trace.flat.extend
        self.troubled = False  # something happened that may have to stand in `degraded`
        self.tasks: list[asyncio.Task[None] | None] = [None] * len(bound.nodes)  # what runs each node right now
        self.ledger: Ledger | None = None
        self.cap: asyncio.Semaphore | None = None
        self.deadline: float | None = None  # in the clock's time
        self.choices: dict[int, tuple[Completion, ...]] = {}  # node -> all n replies of a writer, when n > 1
        self.origins: dict[int, State] = {}  # nodes whose calls were all recalled -> from where; bought ones -> ok
        self.interruptible: dict[CallRun, None] = {}  # waits and notes that the closing of the run cuts short
        self.live = Live(self) if request.stream else None
        self.samplings: dict[tuple[int, bool], Sampling] = {}
        self.wake: Callable[[], None] = idle  # the scheduler's: act on what the plan decided
        self.unasked = request.writer is None and request.seed is None and request.n == 1  # nodes' own options hold
        self.prompts: dict[int, Ask] = {}  # what nodes with the same prompt share, see Bound.prompts
        self.places: dict[str, int] = {}  # what `ranks` gave

    def degrade(self, node: str, reason: str, text: str, action: str) -> None:
        self.troubled = True
        self.emit((self.clock(), Degraded, node, reason, text, action))

    def close(self, reason: str) -> None:
        """Stop waiting: what is there is used (semantics 4). On a deadline notes end too; a budget lets them finish."""
        if not self.progress.close(reason):
            return
        self.troubled = True
        for call in list(self.interruptible):
            call.close(reason)
        self.wake()

    def ranks(self) -> Mapping[str, int]:
        """Place of every draft-writing node in one seeded order of the whole run (semantics 2): by keys from a chain of
        hashes, as it costs a fraction of a seeded generator. Equal keys stand in file order."""
        if not self.places:
            self.places = ranks(self.bound, self.seed, self.request.messages)
        return self.places

    def random(self, purpose: str) -> random.Random:
        """Seeded by the run's seed, the conversation and a purpose; the same in every run that shares them."""
        return random.Random(f"{self.seed}/{self.digest()}/{purpose}")  # noqa: S311 (order of drafts, not a secret)

    def digest(self) -> str:
        return digest(self.request.messages)


def _decided(bound: Bound, memory: Memory) -> dict[int, tuple[int, ...]]:
    """What earlier tries settled on, by index; of nodes that still read what they read then."""
    index, plan = bound.plan.index, bound.plan
    found = {}
    for name, chosen in memory.decided.items():
        c = index.get(name, -1)
        members = tuple(index[member] for member in chosen if member in index)
        if c >= 0 and members and set(members) <= {*plan.sources[c], plan.backups[c]}:
            found[c] = members
    return found


def digest(messages: tuple[Message, ...]) -> str:
    """sha256 of the conversation."""
    return hashlib.sha256(_spelled(messages)).hexdigest()


def _spelled(messages: tuple[Message, ...]) -> bytes:
    """The conversation as bytes that no other has."""
    turns = [f"{message.role}\x1f{message.content!r}\x1e" for message in messages]
    return "".join(turns).encode("utf-8", "surrogatepass")


def ranks(bound: Bound, seed: int, messages: tuple[Message, ...]) -> dict[str, int]:
    """Place of every draft-writing node in one seeded order, see Run.ranks."""
    drafters, nodes = bound.drafters, bound.nodes
    blocks = [hashlib.blake2b(b"%d/labels/%b" % (seed, _spelled(messages))).digest()]  # 16 keys of 4 bytes in each
    while 16 * len(blocks) < len(drafters):
        blocks.append(hashlib.blake2b(blocks[-1]).digest())
    keys = unpack(f"<{16 * len(blocks)}I", b"".join(blocks))
    order = sorted(range(len(drafters)), key=keys.__getitem__)
    return {nodes[drafters[n]].id: place for place, n in enumerate(order)}


def labels(bound: Bound, request: RunRequest) -> dict[str, str]:
    """The model behind each blind label of a run."""
    seed = request.seed if request.seed is not None else bound.seed or 0
    models: dict[str, str] = {n.id: n.model.model.slug for n in bound.nodes if n.model}
    return {label(place): models[node] for node, place in ranks(bound, seed, request.messages).items()}


def label(place: int) -> str:
    """0 -> A, 25 -> Z, 26 -> AA."""
    return LABELS[place] if place < len(LABELS) else _spell(place)


def _spell(place: int) -> str:
    text, place = "", place + 1
    while place:
        place, letter = divmod(place - 1, 26)
        text = chr(65 + letter) + text
    return text


LABELS = tuple([_spell(place) for place in range(26 + 26 * 26)])  # A to ZZ: more drafts than a prompt shows


def idle() -> None:
    """What `wake` is before a scheduler is there and after it ended."""
