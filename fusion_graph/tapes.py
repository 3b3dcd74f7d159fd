"""Whole runs on a cassette (`store/cassette`): what is noted of a run beside its attempts, an engine that records, and
one that replays with no network, no key and the recorded prices."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from fusion_graph import wiring
from fusion_graph.contracts import Backend
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.pricing import Prices, Rates
from fusion_graph.engine.report import RunResult
from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import UsageError
from fusion_graph.messages import Message
from fusion_graph.providers import PROVIDERS
from fusion_graph.store.cassette import Cassette, read_cassette
from fusion_graph.store.clockwork import Clockwork
from fusion_graph.store.door import closed, guarded
from fusion_graph.store.player import Player
from fusion_graph.store.recorder import Recorder

if TYPE_CHECKING:
    from fusion_graph.events import Listener
    from fusion_graph.graph.binding import Bound
    from fusion_graph.pipeline import Pipeline

PAID, FREE = "replay", "replay-free"  # providers of a replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a run was asked, as the command line has it. None: not said."""

    pipeline: Pipeline
    params: Mapping[str, Any]
    prompt: str | None
    seed: int | None = None
    budget_usd: float | None = None
    deadline_s: float | None = None
    stream: bool = True


def request_of(asked: Asked, bound: Bound, *, run_id: str = "", fence: str = "") -> RunRequest:
    """What the engine is asked."""
    return RunRequest(
        messages=(Message("user", asked.prompt or ""),),
        seed=asked.seed,
        stream=asked.stream,
        limits=wiring.limits_of(bound, budget_usd=asked.budget_usd, deadline_s=asked.deadline_s),
        run_id=run_id,
        fence=fence,
    )


# --- recording --------------------------------------------------------------------------------------------------------


class Recording:
    """One run that is recorded to an open file. `listen` must hear every event."""

    def __init__(self, file: TextIO, asked: Asked, ready: wiring.Ready, prices: Prices) -> None:
        self.ready = ready
        self.prices = prices
        self.request = request_of(asked, ready.bound, run_id=secrets.token_hex(8), fence=secrets.token_hex(6))
        self._recorder = Recorder(file, _head(asked, ready, prices, self.request))
        self.listen: Listener = self._recorder.listen

    def open(self) -> Fusion:
        backends = self.ready.selection.backends
        used = {name: PROVIDERS[name] for name in {backend.provider for backend in backends.values()}}
        return Fusion(
            providers=guarded(used, self._recorder),
            backends=backends,
            default_backend=self.ready.selection.default,
            prices=self.prices,
        )

    def conclude(self, result: RunResult) -> Iterator[str]:
        """The run has ended; gives what there is to tell."""
        self._recorder.conclude(**summary(result))
        if self._recorder.fault is not None:
            yield f"the cassette is not whole: {self._recorder.fault.strerror}"


def _head(asked: Asked, ready: wiring.Ready, prices: Prices, request: RunRequest) -> dict[str, Any]:
    pipeline, selection = asked.pipeline, ready.selection
    slugs = {ref.slug for node in ready.bound.nodes if node.model for ref in node.model.models}
    found = {slug: rates for slug in sorted(slugs) if (rates := prices.rates(slug)) is not None}
    return {
        "run_id": request.run_id,
        "fence": request.fence,
        "pipeline": {"name": pipeline.name, "digest": pipeline.digest, "text": _text(pipeline)},
        "params": dict(asked.params),
        "prompt": asked.prompt,
        "seed": asked.seed,
        "stream": asked.stream,
        "budget_usd": asked.budget_usd,
        "deadline_s": asked.deadline_s,
        "default": selection.default,
        "backends": _backends(selection, selection.uses(ready.bound)),
        "renamed": dict(ready.renamed),
        "prices": {"date": prices.date, "models": {slug: _entry(rates) for slug, rates in found.items()}},
    }


def _backends(selection: wiring.Selection, used: tuple[str, ...]) -> list[dict[str, Any]]:
    """What the engine must know of a backend, and neither its address nor its key: `account` tells which share both."""
    accounts: dict[tuple[str, str], int] = {}
    told = []
    for name in used:
        if (backend := selection.backends.get(name)) is not None:
            place = (backend.base_url.rstrip("/") or name, backend.api_key)
            told.append({
                "name": name,
                "account": accounts.setdefault(place, len(accounts)),
                "free": backend.free or PROVIDERS[backend.provider].free,
                "max_concurrency": backend.max_concurrency,
                "requests_per_minute": backend.requests_per_minute,
            })
    return told


def _entry(rates: Rates) -> list[float]:
    """As a price table has it."""
    entry = [rates.input, rates.output, rates.cached]
    return [*entry, rates.above, *_entry(rates.long)] if rates.long else entry


def _text(pipeline: Pipeline) -> str:
    """The file's; "" of one that cannot be read again."""
    path = Path(pipeline.file)
    try:
        return path.read_text("utf-8-sig", "replace") if path.is_file() else ""
    except OSError:
        return ""


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


class Replaying:
    """One run that is answered by a cassette. Belongs on a Clockwork loop; what was not asked is as recorded."""

    def __init__(self, cassette: Cassette, asked: Asked) -> None:
        head = cassette.head
        self._cassette = cassette
        self.asked = Asked(
            pipeline=asked.pipeline,
            params=asked.params or head["params"],
            prompt=head["prompt"] if asked.prompt is None else asked.prompt,
            **{
                name: head[name] if getattr(asked, name) is None else getattr(asked, name)
                for name in ("seed", "budget_usd", "deadline_s")
            },
            stream=head["stream"],
        )
        self.prices = Prices(head["prices"]["models"], head["prices"]["date"])
        self.ready = self._ready()
        self.request = request_of(self.asked, self.ready.bound, run_id=head["run_id"], fence=head["fence"])
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Clockwork)
        self._player = Player(cassette, loop)
        self.listen: Listener = self._player.listen

    def _ready(self) -> wiring.Ready:
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
        return wiring.Ready(bound, selection, used, renamed)

    def differences(self) -> Iterator[str]:
        """What is asked otherwise than in the recorded run, and whether all of that is there."""
        head, asked = self._cassette.head, self.asked
        if asked.pipeline.digest != head["pipeline"]["digest"]:
            yield f"the pipeline is not the recorded one{_first_difference(_text(asked.pipeline), head['pipeline']['text'])}"
        for name in ("params", "prompt", "seed", "budget_usd", "deadline_s"):
            if getattr(asked, name) != head[name]:
                yield f"{name} {'are' if name == 'params' else 'is'} not as recorded"
        if self._cassette.result is None:
            yield "the recording was cut: the replay can go no further than it"

    def open(self) -> Fusion:
        loop = asyncio.get_running_loop()
        return Fusion(
            providers={PAID: closed(self._player, name=PAID), FREE: closed(self._player, name=FREE, free=True)},
            backends=self.ready.selection.backends,
            default_backend=self.ready.selection.default,
            prices=self.prices,
            sleep=self._player.sleep,
            clock=loop.time,
        )

    def conclude(self, result: RunResult) -> Iterator[str]:
        """What came out otherwise than recorded."""
        recorded, now = self._cassette.result, summary(result)
        for name, value in now.items() if recorded else ():
            if not _same(value, recorded[name]):  # type: ignore[index]
                yield f"the replay differs from the recorded run: {name}"


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
    if isinstance(value, float) and isinstance(other, int | float):
        return math.isclose(value, other, rel_tol=1e-9)
    return bool(value == other)


def _first_difference(text: str, other: str) -> str:
    """`: line 3 is '...', recorded '...'`."""
    if not text or not other:
        return ""
    mine, theirs = text.splitlines(), other.splitlines()
    for number in range(max(len(mine), len(theirs))):
        one, two = (lines[number] if number < len(lines) else "" for lines in (mine, theirs))
        if one != two:
            return f": line {number + 1} is {one[:60]!r}, recorded {two[:60]!r}"
    return ""
