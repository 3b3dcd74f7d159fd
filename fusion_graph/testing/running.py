"""One test of a pipeline: its run on stubs. Belongs on a Clockwork loop, so that latencies cost nothing and decide the
same on any machine."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from fusion_graph.contracts import Backend
from fusion_graph.engine.fusion import Fusion
from fusion_graph.engine.request import RunRequest
from fusion_graph.errors import UsageError
from fusion_graph.graph.pipeline_tests import PipelineTest
from fusion_graph.messages import Message
from fusion_graph.pipeline import Pipeline
from fusion_graph.store.door import closed
from fusion_graph.testing.stubs import Stubs
from fusion_graph.testing.verdicts import differences
from fusion_graph.wiring import engines, pipelines

STUB = "stub"


class Verdict(NamedTuple):
    """How one test went: it passed if nothing differs."""

    name: str
    differs: tuple[str, ...]


async def run_test(pipeline: Pipeline, test: PipelineTest) -> Verdict:
    """Run it. Never raises for what the run does."""
    bound = pipelines.bind(pipeline, test.params)
    stubs = Stubs(test.replies)
    fusion = Fusion(
        providers={STUB: closed(stubs, name=STUB, free=True)},
        backends={name: Backend(name=name, provider=STUB) for name in {STUB, *bound.backends} - {""}},
        default_backend=STUB,
        prices=engines.prices(),
        clock=asyncio.get_running_loop().time,
    )
    request = RunRequest(messages=(Message("user", test.prompt),), seed=test.seed, limits=bound.limits, fence="fence")
    async with fusion:
        try:
            result = await fusion.run(bound, request, stubs.listen)
        except UsageError as error:
            return Verdict(test.name, (error.message,))
    return Verdict(test.name, tuple(differences(test.expect, result)))
