"""What a server keeps of its runs: all of them, written down (`serve --journal`), and replies of nodes that say
`cache`, for each key apart."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from fusion_graph.engine.record import document

if TYPE_CHECKING:
    from fusion_graph.engine.report import RunResult
    from fusion_graph.server._job import Job
    from fusion_graph.server._service import Exchange


def begin(exchange: Exchange, job: Job) -> Job:
    """The same job, with what the server keeps of it. To be asked when the run really begins."""
    service = exchange.service
    cache = service.caches.of(exchange.key.name) if service.caches is not None and job.bound.caches else None
    if service.journal is None and cache is None:
        return job
    from fusion_graph.store import journal  # only now: most servers do without, and without SQLite

    request = job.request
    told = journal.Job(
        request.run_id, job.bound, request.messages, request.fence, service.backend, request.seed, "serve"
    )
    memory = (service.journal or journal.Journal(None)).begin(told, cache)
    return replace(job, request=replace(request, memory=memory))


def conclude(job: Job, result: RunResult) -> None:
    """How it ended, as `--json` would print it."""
    memory = job.request.memory
    if memory is None:
        return
    from fusion_graph.store.journal import RunMemory

    if isinstance(memory, RunMemory):
        memory.conclude(json.dumps(document(result), allow_nan=False))
