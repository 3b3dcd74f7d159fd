"""Whole runs on a cassette (`store/cassette`): what is noted of a run beside its attempts, an engine that records, and
one that replays with no network, no key and the recorded prices."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from fusion_graph import wiring
from fusion_graph.contracts import Backend, Provider
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Prices, Rates
from fusion_graph.engine.report import RunResult
from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import UsageError
from fusion_graph.messages import Message
from fusion_graph.pipeline import Pipeline
from fusion_graph.providers import PROVIDERS
from fusion_graph.store.cassette import Cassette, read_cassette
from fusion_graph.store.clockwork import Clockwork
from fusion_graph.store.door import closed, guarded
from fusion_graph.store.player import Player
from fusion_graph.store.tape_lines import read_messages
from fusion_graph.store.taping import Taper
from fusion_graph.toolbox import NO_TOOLS, Toolbox

if TYPE_CHECKING:
    from fusion_graph.events import Listener
    from fusion_graph.graph.binding import Bound
    from fusion_graph.settings import Settings

PAID, FREE = "replay", "replay-free"  # providers of a replay


class Asked(NamedTuple):
    """What a run is asked."""

    pipeline: Pipeline
    params: Mapping[str, Any]
    messages: tuple[Message, ...]
    seed: int | None = None
    budget_usd: float | None = None
    deadline_s: float | None = None
    stream: bool = True


class Straight:
    """A run that meets its models with nobody in between. Its listener must be the first one to hear of an event."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.listen: Listener = lambda _event: None

    async def prepare(self, setup: Settings) -> wiring.Ready:
        return await wiring.prepare(self.asked.pipeline, self.asked.params, setup)

    def prices(self, file: str | None) -> Prices:
        return wiring.prices(file)

    def request(self, ready: wiring.Ready, *, run_id: str, fence: str) -> RunRequest:
        _pipeline, _params, messages, seed, budget_usd, deadline_s, stream = self.asked
        limits = wiring.limits_of(ready.bound, budget_usd=budget_usd, deadline_s=deadline_s)
        return RunRequest(messages, seed, stream, limits=limits, run_id=run_id, fence=fence)

    def open(self, ready: wiring.Ready, prices: Prices, tools: Toolbox = NO_TOOLS) -> Fusion:
        return wiring.open_fusion(ready.selection, prices, tools)

    def warnings(self) -> Iterable[str]:
        """What to tell before the run."""
        return ()

    def conclude(self, _result: RunResult) -> Iterable[str]:
        """The run has ended: what to tell after it."""
        return ()


# --- recording --------------------------------------------------------------------------------------------------------


class Recording(Straight):
    """A run that is written to an open file. What is recorded is bought: no reply comes from a cache."""

    def __init__(self, asked: Asked, file: TextIO, providers: Mapping[str, Provider] = PROVIDERS) -> None:
        super().__init__(asked)
        self._providers = providers
        self._taper = Taper(file)
        self.listen = self._taper.listen
        self._request: RunRequest | None = None

    async def prepare(self, setup: Settings) -> wiring.Ready:
        ready = await super().prepare(setup)
        return ready._replace(bound=_plain(ready.bound))

    def request(self, ready: wiring.Ready, *, run_id: str, fence: str) -> RunRequest:
        self._request = super().request(ready, run_id=run_id, fence=fence)
        return self._request

    def open(self, ready: wiring.Ready, prices: Prices, tools: Toolbox = NO_TOOLS) -> Fusion:
        assert self._request is not None
        self._taper.begin(_head(self.asked, ready, prices, self._request, self._providers))
        selection = ready.selection
        used = {name: self._providers[name] for name in {backend.provider for backend in selection.backends.values()}}
        return Fusion(
            providers=guarded(used, self._taper),
            backends=selection.backends,
            default_backend=selection.default,
            prices=prices,
            clock=asyncio.get_running_loop().time,
            toolbox=tools,
        )

    def conclude(self, result: RunResult) -> Iterator[str]:
        self._taper.conclude(**summary(result))
        if self._taper.fault is not None:
            yield f"the cassette is not whole: {self._taper.fault.strerror}"


def _plain(bound: Bound) -> Bound:
    """Without the cache. Tools are refused: a cassette holds what models said, not what tools gave."""
    if bound.tooled:
        raise UsageError(f"{bound.pipeline.name} uses tools, and a cassette does not hold what they give",
                         hint="record a pipeline without tools")  # fmt: skip
    nodes = (replace(n, model=replace(n.model, cache=None)) if n.model is not None else n for n in bound.nodes)
    return replace(bound, nodes=tuple(nodes))


def _head(
    asked: Asked, ready: wiring.Ready, prices: Prices, request: RunRequest, providers: Mapping[str, Provider]
) -> dict[str, Any]:
    pipeline, selection = asked.pipeline, ready.selection
    slugs = {ref.slug for node in ready.bound.nodes if node.model for ref in node.model.models}
    found = {slug: rates for slug in sorted(slugs) if (rates := prices.rates(slug)) is not None}
    return {
        "run_id": request.run_id,
        "fence": request.fence,
        "pipeline": {"name": pipeline.name, "source": pipeline.source},
        "params": dict(asked.params),
        "messages": asked.messages,
        "seed": asked.seed,
        "stream": asked.stream,
        "budget_usd": asked.budget_usd,
        "deadline_s": asked.deadline_s,
        "default": selection.default,
        "backends": _backends(selection, selection.uses(ready.bound), providers),
        "renamed": dict(ready.renamed),
        "prices": {"date": prices.date, "models": {slug: _entry(rates) for slug, rates in found.items()}},
    }


def _backends(
    selection: wiring.Selection, used: tuple[str, ...], providers: Mapping[str, Provider]
) -> list[dict[str, Any]]:
    """What the engine must know of a backend, and neither its address nor its key: `account` tells which share both."""
    accounts: dict[tuple[str, str], int] = {}
    return [
        {
            "name": backend.name,
            "account": accounts.setdefault((backend.base_url.rstrip("/") or name, backend.api_key), len(accounts)),
            "free": backend.free or providers[backend.provider].free,
            "max_concurrency": backend.max_concurrency,
            "requests_per_minute": backend.requests_per_minute,
        }
        for name in used
        if (backend := selection.backends.get(name)) is not None
    ]


def _entry(rates: Rates) -> list[float]:
    """As a price table has it."""
    entry = [rates.input, rates.output, rates.cached]
    return [*entry, rates.above, *_entry(rates.long)] if rates.long else entry


def summary(result: RunResult) -> dict[str, Any]:
    """What a replay must give again."""
    return {
        "state": result.state,
        "answer": result.answer.text if result.answer else None,
        "cost_usd": result.cost_usd,
        "nodes": {node.id: f"{node.state} {node.reason}".strip() for node in result.nodes},
        "degraded": [[entry.node, entry.reason] for entry in result.degraded],
    }


# --- replaying --------------------------------------------------------------------------------------------------------


def read_tape(file: str) -> Cassette:
    """Raises UsageError that names file and line."""
    cassette = read_cassette(file)
    if any(len(entry) % 4 != 3 for entry in cassette.head["prices"]["models"].values()):
        raise UsageError(f"{file}:1: `head`/prices: not a price")
    return cassette


def recorded(cassette: Cassette, pipeline: Pipeline | None = None) -> Asked:
    """What the recorded run was asked, perhaps of another pipeline. Raises UsageError or PipelineError."""
    head = cassette.head
    if pipeline is None:
        try:
            document = json.loads(head["pipeline"]["source"])
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise UsageError(f"{cassette.file}:1: `head`/pipeline/source: not a pipeline", hint="name one")
        pipeline = wiring.load(document)
    return Asked(
        pipeline=pipeline,
        params=head["params"],
        messages=read_messages(head["messages"]),
        **{name: head[name] for name in ("seed", "budget_usd", "deadline_s", "stream")},
    )


class Replaying(Straight):
    """A run that is answered by a cassette, on a Clockwork loop."""

    def __init__(self, asked: Asked, cassette: Cassette) -> None:
        super().__init__(asked._replace(stream=cassette.head["stream"]))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Clockwork)
        self._cassette = cassette
        self._player = Player(cassette, loop)
        self.listen = self._player.listen

    async def prepare(self, _setup: Settings) -> wiring.Ready:
        """No address and no key is looked up: what the settings say does not matter."""
        head = self._cassette.head
        selection = wiring.Selection(
            backends={backend["name"]: _silent(backend) for backend in head["backends"]},
            default=head["default"],
            why=f"replayed from {self._cassette.file}",
            missing_keys={},
            models=head["renamed"],
        )
        bound, renamed = wiring.fit_models(wiring.bind_pipeline(self.asked.pipeline, self.asked.params), selection)
        used = tuple(wiring.Used(name, selection.why, simulated=False) for name in selection.uses(bound))
        return wiring.Ready(_plain(bound), selection, used, renamed)

    def prices(self, _file: str | None) -> Prices:
        """The recorded ones."""
        return Prices(self._cassette.head["prices"]["models"], self._cassette.head["prices"]["date"])

    def request(self, ready: wiring.Ready, *, run_id: str, fence: str) -> RunRequest:  # noqa: ARG002 (the recorded ones)
        head = self._cassette.head
        return super().request(ready, run_id=head["run_id"], fence=head["fence"])

    def open(self, ready: wiring.Ready, prices: Prices, tools: Toolbox = NO_TOOLS) -> Fusion:
        return Fusion(
            providers={PAID: closed(self._player, name=PAID), FREE: closed(self._player, name=FREE, free=True)},
            backends=ready.selection.backends,
            default_backend=ready.selection.default,
            prices=prices,
            sleep=self._player.sleep,
            clock=asyncio.get_running_loop().time,
            toolbox=tools,
        )

    def warnings(self) -> Iterator[str]:
        """What is asked otherwise than in the recorded run, and whether all of that is there."""
        head, asked = self._cassette.head, self.asked
        if asked.pipeline.source != head["pipeline"]["source"]:
            yield "the pipeline is not the recorded one"
        if asked.messages != read_messages(head["messages"]):
            yield "the prompt is not the recorded one"
        for name in ("params", "seed", "budget_usd", "deadline_s"):
            mine = getattr(asked, name)
            if mine != head[name]:
                yield f"{name}: {json.dumps(mine)}, recorded {json.dumps(head[name])}"
        if self._cassette.result is None:
            yield "the recording was cut: the replay can go no further"

    def conclude(self, result: RunResult) -> Iterator[str]:
        """What came out otherwise than recorded."""
        recorded, now = self._cassette.result, summary(result)
        if recorded is not None:
            yield from (f"not as recorded: {name}" for name in now if not _same(now[name], recorded[name]))


def _silent(backend: Mapping[str, Any]) -> Backend:
    """A backend without an address; those of one account still share its cool-down."""
    return Backend(
        name=backend["name"],
        provider=FREE if backend["free"] else PAID,
        base_url=f"account-{backend['account']}",
        max_concurrency=backend["max_concurrency"],
        requests_per_minute=backend["requests_per_minute"],
    )


def _same(value: Any, other: Any) -> bool:
    both = isinstance(value, float) and isinstance(other, int | float)
    return math.isclose(value, other, rel_tol=1e-9) if both else bool(value == other)
