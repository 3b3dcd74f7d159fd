"""Runs that a server writes down (`serve --journal`), so that `fusiongraph runs` can show them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from fusion_graph.engine.record import document
from fusion_graph.store import journal

if TYPE_CHECKING:
    from fusion_graph.engine.report import RunResult
    from fusion_graph.server._job import Job
    from fusion_graph.server._service import Service


def begin(service: Service, job: Job) -> Job:
    """The same job, written down from here on if the server does that. To be asked when the run really begins."""
    if service.journal is None:
        return job
    request = job.request
    told = journal.Job(
        request.run_id, job.bound, request.messages, request.fence, service.backend, request.seed, "serve"
    )
    return replace(job, request=request._replace(memory=service.journal.begin(told)))


def conclude(job: Job, result: RunResult) -> None:
    """How it ended, as `--json` would print it."""
    memory = job.request.memory
    if isinstance(memory, journal.RunMemory):
        memory.conclude(json.dumps(document(result), allow_nan=False))
