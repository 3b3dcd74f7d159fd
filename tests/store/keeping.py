"""Runs that are written down: a journal in a folder, a stage of scripted models, and a run cut or gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fusion_graph.engine.report import RunResult
from fusion_graph.events import Listener
from fusion_graph.graph.bound import Bound
from fusion_graph.messages import Message
from fusion_graph.store.cache import Cache
from fusion_graph.store.database import reading
from fusion_graph.store.history import StoredRun, read_run
from fusion_graph.store.journal import FILE, Job, Journal
from fusion_graph.store.past import Past, read_past
from fusion_graph.store.tables import JOURNAL
from tests.engine.stage import Stage
from tests.graph.walk import bound_of

RUN, FENCE = "0123456789abcdef", "f00dcafe1234"
ASKED = (Message("user", "Why?"),)
PANEL = """
  panel: {kind: layer, models: [m/a, m/b]}
  answer: {kind: synth, model: m/w, inputs: [panel]}
"""


@contextmanager
def opened(folder: Path) -> Iterator[Journal]:
    """The journal in a process of its own."""
    journal = Journal(folder)
    try:
        yield journal
    finally:
        journal.close()


async def written(
    stage: Stage,
    folder: Path,
    nodes: str = PANEL,
    *,
    run: str = RUN,
    asked: tuple[Message, ...] = ASKED,
    cache: Cache | None = None,
    listener: Listener = lambda _event: None,
    **top: Any,
) -> RunResult:
    """A new run in the journal of this folder."""
    return await _play(stage, folder, bound_of(nodes, **top), run, asked, cache=cache, listener=listener)


async def gone_on(stage: Stage, folder: Path, nodes: str = PANEL, *, run: str = RUN, **top: Any) -> RunResult:
    """Its next try."""
    return await _play(stage, folder, bound_of(nodes, **top), run, past=past_of(folder, run))


async def _play(
    stage: Stage,
    folder: Path,
    bound: Bound,
    run: str,
    asked: tuple[Message, ...] = ASKED,
    *,
    past: Past | None = None,
    cache: Cache | None = None,
    listener: Listener = lambda _event: None,
) -> RunResult:
    journal = Journal(folder)
    job = Job(run, bound, asked, FENCE, "sim")
    memory = journal.go_on(job, past, cache) if past else journal.begin(job, cache)
    try:
        return await stage.run(bound, messages=asked, run_id=run, fence=FENCE, memory=memory, listener=listener)
    finally:
        journal.close()


def past_of(folder: Path, run: str = RUN) -> Past:
    """What the next try would find. The run is written by this very process, which has let go of it."""
    with reading(folder / FILE, JOURNAL) as connection:
        return read_past(connection, run)


def stored(folder: Path, run: str = RUN) -> StoredRun:
    with reading(folder / FILE, JOURNAL) as connection:
        return read_run(connection, run)
