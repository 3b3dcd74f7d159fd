"""Which protocol, which judge, how many passes: resolved once, before anything is keyed by it."""

from __future__ import annotations

from fusion_graph.errors import UsageError
from fusion_graph.evals.protocols import PROTOCOLS
from fusion_graph.evals.protocols.protocol import Protocol
from fusion_graph.evals.running.judging import Judging
from fusion_graph.evals.task import TaskSet

DEFAULT = "openrouter"


def choose_protocol(name: str | None, tasks: TaskSet) -> Protocol:
    """Raises UsageError for a protocol that cannot grade these tasks."""
    if name == "exact" and not tasks.exact:
        raise UsageError("protocol exact needs tasks with an answer", hint="these have criteria: paper or openrouter")
    if name is None:
        name = "exact" if tasks.exact else DEFAULT
    return PROTOCOLS[name]


def choose_judge(protocol: Protocol, tasks: TaskSet, model: str | None, passes: int | None) -> Judging | None:
    """None where every task has an exact answer."""
    if tasks.exact:
        return None
    return Judging(
        protocol=protocol,
        model=model or protocol.judge,
        passes=passes or protocol.passes,
        temperature=protocol.temperature,
        effort=protocol.effort,
    )
