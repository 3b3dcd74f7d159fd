"""The journal on the command line: opened for a run, told the result, closed; what a run that goes on will do again."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fusion_graph.commands import _console
from fusion_graph.store.cache import Cache
from fusion_graph.store.database import reading
from fusion_graph.store.journal import DAY_S, FILE, MB, Job, Journal, RunMemory
from fusion_graph.store.listing import find_single
from fusion_graph.store.options import read_options
from fusion_graph.store.past import USABLE, Past, read_past
from fusion_graph.store.tables import JOURNAL

if TYPE_CHECKING:
    from fusion_graph.graph.bound import Bound
    from fusion_graph.graph.forecast.estimate import Estimate
    from fusion_graph.messages import Message
    from fusion_graph.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook:
    """What one run is written into. `memory` is None when it is not written down at all."""

    run_id: str
    fence: str
    memory: RunMemory | None = None
    journal: Journal | None = None

    @property
    def off(self) -> str:
        """Why the run was not written down though it should have been; "" else."""
        return self.journal.off if self.journal is not None else ""


def find_past(setup: Settings, run: str) -> Past:
    """An earlier run, by its id or the beginning of it. Raises UsageError."""
    with reading(setup.home / FILE, JOURNAL) as connection:
        return read_past(connection, find_single(connection, run))


def open_journal(
    setup: Settings, what: str, *, keep: bool = True, err: Callable[[str], None] = _console.err
) -> Journal:
    """The journal, or none. If it cannot be written to, what is lost by that is told at once."""
    told = f"this {what} cannot be looked at or gone on with later"
    return Journal(setup.home if keep else None, tell=lambda why: err(f"journal: off ({why}): {told}"))


@contextmanager
def opened(setup: Settings, what: str, *, keep: bool = True) -> Iterator[Journal]:
    """The journal, or none; afterwards what is too old is forgotten."""
    journal = open_journal(setup, what, keep=keep)
    try:
        yield journal
    finally:
        shut(journal, setup)


def shut(journal: Journal, setup: Settings) -> None:
    journal.prune(read_options(setup.store))
    journal.close()


@contextmanager
def notebook(
    setup: Settings,
    bound: Bound,
    messages: tuple[Message, ...],
    *,
    backend: str,
    command: str = "run",
    seed: int | None = None,
    past: Past | None = None,
    keep: bool = True,
    cache: bool = False,
) -> Iterator[Notebook]:
    """Open for one run. With `keep` off nothing is written; a cache alone needs no journal."""
    run_id = past.id if past else secrets.token_hex(8)
    fence = past.fence if past else secrets.token_hex(6)
    cached = cache or bound.caches
    if not keep and not cached:
        yield Notebook(run_id=run_id, fence=fence)
        return
    replies = open_cache(setup, everywhere=cache) if cached else None
    job = Job(run_id, bound, messages, fence, backend, seed, command)
    try:
        with opened(setup, "run", keep=keep) as journal:
            memory = journal.go_on(job, past, replies) if past else journal.begin(job, replies)
            yield Notebook(run_id=run_id, fence=fence, memory=memory, journal=journal if keep else None)
    finally:
        if replies is not None:
            replies.close()


def open_cache(setup: Settings, *, everywhere: bool = False) -> Cache:
    """As `[store]` has it."""
    options = read_options(setup.store)
    return Cache(
        setup.home,
        everywhere=everywhere,
        ttl_s=options.cache_days * DAY_S,
        max_bytes=int(options.cache_max_mb * MB),
    )


def conclude(book: Notebook, document: dict[str, object]) -> None:
    if book.memory is not None:
        book.memory.conclude(json.dumps(document, allow_nan=False))


# --- going on ---------------------------------------------------------------------------------------------------------


def tell_plan(past: Past, bound: Bound, same: Sequence[str], made: Estimate) -> None:
    """What will run again and what it may cost at most, before anything is spent."""
    from fusion_graph.figures import several, usd

    pairs = zip(made.nodes, same, strict=True)
    again = [node for node, identity in pairs if node.model and not _is_done(past, node.id, identity)]
    done = sum(bool(node.model) for node in bound.nodes) - len(again)
    costs = [node.cost.worst for node in again]
    worst = None if None in costs else sum(cost for cost in costs if cost is not None)
    calls = sum(node.calls.most for node in again)
    most = "at most " if past.in_flight and past.cost_usd else ""
    spent = f"{several(past.spent[1], 'call')} made so far for {most}{usd(past.cost_usd)}"
    _console.err(f"run {past.id} goes on: {several(done, 'node')} replayed, {spent}")
    names = ", ".join(node.id for node in again) or "nothing"
    _console.err(f"to run: {names}: at most {several(calls, 'call')} and {usd(worst)}")
    tell_in_flight(past)


def tell_in_flight(past: Past) -> None:
    """What a kill may have cost."""
    from fusion_graph.figures import usd

    if past.in_flight:
        held = f"; counted as {usd(past.held_usd)}, its worst case" if past.held_usd else ""
        _console.err(f"perhaps paid twice, as nobody knows how it ended: {', '.join(past.in_flight)}{held}")


def _is_done(past: Past, name: str, identity: str) -> bool:
    node = past.nodes.get(name)
    if node is None:
        return False
    settled = node.state in USABLE or (node.state == "skipped" and node.reason != "")
    return settled and node.identity == identity
