"""Models that reply as a test says: a doorkeeper with nobody behind the door."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from fusion_graph.contracts import Sink
from fusion_graph.errors import Permanent, ProviderError, Transient
from fusion_graph.events import Event
from fusion_graph.graph.pipeline_tests import NEVER, TRANSIENT, Reply
from fusion_graph.messages import Completion
from fusion_graph.providers.sim import SimClient, Step
from fusion_graph.store.door import Attempt, Caller


class Stubs:
    """`listen` must hear every event of the run. Nodes without a reply are answered by simulated models."""

    def __init__(self, replies: Mapping[str, tuple[Reply, ...]]) -> None:
        self._left = {node: list(given) for node, given in replies.items()}
        self._simulated = SimClient(records=False)
        self._caller = Caller()

    def listen(self, event: Event) -> None:
        self._caller(event)

    async def __call__(self, attempt: Attempt, sink: Sink) -> Completion:
        left = self._left.get(self._caller.node(attempt.call))
        if left is None:
            return await self._simulated.complete(attempt.call, sink)
        reply = left.pop(0) if len(left) > 1 else left[0]
        return await SimClient({"*": steps(reply)}, records=False).complete(attempt.call, sink)


def steps(reply: Reply) -> tuple[Step, ...]:
    """As the sim acts them out."""
    wait: tuple[Step, ...] = (reply.after_s,) if reply.after_s else ()
    if reply.fails == NEVER:
        return (asyncio.Event(),)
    if reply.fails:
        return (*wait, _failure(reply))
    said: tuple[Step, ...] = (*wait, reply.text) if reply.text else wait
    return (*said, Completion(text=reply.text, finish_reason="length")) if reply.truncated else said


def _failure(reply: Reply) -> ProviderError:
    kind = Transient if reply.fails in TRANSIENT else Permanent
    sent = reply.fails != "connect_error"
    return kind(reply.fails, "the test says so", retry_after_s=reply.retry_after_s, sent=sent)
