"""Wall time over the critical path, on models that take seeded lognormal seconds: what waiting in the wrong places
would cost."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping

from benchmarks import bare, shapes
from benchmarks.measure import Row
from benchmarks.models import JUDGE, QUESTION, Instant, Paced, open_engine
from fusion_graph.contracts import Client
from fusion_graph.engine.request import ask
from fusion_graph.graph.bound import Bound

MEDIAN_S, SIGMA = 0.4, 0.5  # a fast model; slower ones make waiting in the right places easier


def rows(*, quick: bool) -> Iterator[Row]:
    crowd, nodes, scale = (4, 30, 0.01) if quick else (64, 500, 1.0)
    four, forty = _each("some", 4), _each("many", 41)
    yield _row(
        f"{crowd} runs at once of 3 drafts, judge, synth",
        shapes.panel(four),
        lambda c: bare.panel(c, QUESTION, four),
        (1.03, 1.05),
        scale,
        at_once=crowd,
    )
    names, sources = _each("node", nodes), shapes.tangled(nodes, 3 * nodes)
    yield _row(
        f"DAG of {nodes} nodes",
        shapes.graph(names, sources),
        lambda c: bare.graph(c, QUESTION, names, sources),
        (1.01, 1.02),
        scale,
    )
    yield _row(
        "panel of 40, judge, synth", shapes.panel(forty), lambda c: bare.panel(c, QUESTION, forty), (1.01, 1.02), scale
    )
    eight = _each("layer", 8)
    yield _row(
        "3 layers of 8, synth",
        shapes.layers(eight, 3, "bench/w"),
        lambda c: bare.layers(c, QUESTION, eight, 3, "bench/w"),
        (1.01, 1.02),
        scale,
    )


def _each(prefix: str, count: int) -> list[str]:
    """Models of their own names, so that each takes its own time."""
    return [f"bench/{prefix}{i}" for i in range(count)]


def _row(
    subject: str,
    bound: Bound,
    theirs: Callable[[Client], Awaitable[str]],
    bounds: tuple[float, float],
    scale: float,
    *,
    at_once: int = 1,
) -> Row:
    dice = random.Random(11)
    models = dict.fromkeys([node.model.model.slug for node in bound.nodes if node.model] + [JUDGE])
    seconds = {model: scale * dice.lognormvariate(0, SIGMA) * MEDIAN_S for model in models}
    least, client = _critical_path(bound, seconds), Paced(seconds)
    asyncio.run(_once(bound))
    engine = open_engine(client)
    ours = _wall(lambda: engine.run(bound, ask(QUESTION)), at_once) / least
    bare_ratio = _wall(lambda: theirs(client), at_once) / least
    goal, gate = bounds
    note = f"critical path {least:.2f} s, bare {bare_ratio:.3f}"
    return Row(subject=f"{subject}: wall", measured=ours, goal=goal, gate=gate, note=note)


async def _once(bound: Bound) -> None:
    """What happens in the first run only is not waiting."""
    await open_engine(Instant()).run(bound, ask(QUESTION))


def _wall(program: Callable[[], Awaitable[object]], at_once: int) -> float:
    """Seconds until the last of them is done."""

    async def play() -> float:
        start = time.perf_counter()
        await asyncio.gather(*(program() for _ in range(at_once)))
        return time.perf_counter() - start

    return asyncio.run(play())


def _critical_path(bound: Bound, seconds: Mapping[str, float]) -> float:
    """Until the output is there, if every node starts when its inputs are."""
    ends = [0.0] * len(bound.nodes)
    for i in bound.plan.order:
        node, begin = bound.nodes[i], max((ends[s] for s in bound.plan.sources[i]), default=0.0)
        ends[i] = begin + (seconds[node.model.model.slug] if node.model else 0.0)
    return ends[bound.output]
