"""A call and what its run remembers: a reply that need not be bought again, and the word that a call leaves (semantics
7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusion_graph.engine.acceptance import accept
from fusion_graph.errors import ProviderError
from fusion_graph.events import CallRecalled

if TYPE_CHECKING:
    from fusion_graph.contracts import Sink
    from fusion_graph.engine.attempts import CallRun
    from fusion_graph.messages import Call, Completion


def recall(call: CallRun) -> Completion | None:
    """The reply of the first of the node's models that is remembered and usable here. That an alternate answered must
    have happened in this run, and is told again: another run's reply of it does not stand in for the model itself."""
    run, node = call.run, call.node
    assert run.memory is not None
    first = call.options.model
    for ref in call.options.models:
        lane = call.aim(ref)
        known = run.memory.recall(node, lane.backend.name, call.request)
        if known is not None and (ref == first or known.state == "replayed") and _is_usable(call, known.completion):
            if ref != first:
                run.degrade(node.id, "alternate", f"{first} failed in an earlier try", f"alternate {ref} answered")
            run.origins.setdefault(node.index, known.state)
            run.emit((run.clock(), CallRecalled, node.id, call.number, str(ref), known.state, known.completion))
            return known.completion
    return None


def _is_usable(call: CallRun, completion: Completion) -> bool:
    try:
        accept(call, completion)
    except ProviderError:
        return False
    return True


class Keeping:
    """A client for one call that writes down first that it leaves, and keeps what it was answered."""

    __slots__ = ("_call",)

    def __init__(self, call: CallRun) -> None:
        self._call = call

    async def complete(self, request: Call, sink: Sink) -> Completion:
        call, lane, memory = self._call, self._call.lane, self._call.run.memory
        assert memory is not None
        call.run.origins[call.node.index] = "ok"
        call.sent = False
        await memory.commit()
        call.sent = True
        completion = await lane.client.complete(request, sink)
        memory.keep(call.node, lane.backend.name, request, completion)
        return completion
