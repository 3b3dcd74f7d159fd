"""Section 7 on whole runs: random graphs, random replies, cut at a random moment, gone on with."""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_graph.engine.report import RunResult
from fusion_graph.events import CallFinished, Event
from fusion_graph.graph.bound import Bound
from fusion_graph.messages import Call
from fusion_graph.store.database import reading
from fusion_graph.store.journal import FILE, Job, Journal
from fusion_graph.store.past import Past, read_past
from fusion_graph.store.tables import JOURNAL
from tests.engine.stage import Stage
from tests.graph.growing import Grower
from tests.semantics.test_random_graphs import Cast
from tests.store.keeping import ASKED, FENCE, RUN


class Answered:
    """Counts what was answered, by node and call; cancels its run after so many."""

    def __init__(self, most: int = 1 << 30) -> None:
        self.most = most
        self.bought: list[tuple[str, Call]] = []
        self.sent: dict[tuple[str, int], Call] = {}
        self.task: asyncio.Task[RunResult] | None = None

    def __call__(self, event: Event) -> None:
        if type(event).__name__ == "CallStarted":
            self.sent[event.node, event.call] = event.request  # type: ignore[union-attr]
        if isinstance(event, CallFinished):
            self.bought.append((event.node, self.sent[event.node, event.call]))
            if len(self.bought) >= self.most and self.task is not None:
                self.task.cancel()


async def attempt(stage: Stage, folder: Path, bound: Bound, heard: Answered, past: Past | None) -> RunResult | None:
    """One try, to its end or to where it is cut."""
    journal = Journal(folder)
    job = Job(RUN, bound, ASKED, FENCE, "sim", 1)
    memory = journal.go_on(job, past) if past else journal.begin(job)
    heard.task = asyncio.create_task(
        stage.run(bound, messages=ASKED, seed=1, run_id=RUN, fence=FENCE, memory=memory, listener=heard)
    )
    try:
        await asyncio.wait([heard.task])
        return None if heard.task.cancelled() else heard.task.result()
    finally:
        journal.close()


async def in_two(folder: Path, bound: Bound, cast: Cast, most: int) -> tuple[Answered, Answered, RunResult | None]:
    first, second, stage = Answered(most), Answered(), Stage({"*": cast})
    await attempt(stage, folder, bound, first, None)
    with reading(folder / FILE, JOURNAL) as connection:
        past = read_past(connection, RUN)
    return first, second, await attempt(stage, folder, bound, second, past)


@given(
    seed=st.integers(0, 2**32),
    size=st.integers(1, 10),
    most=st.integers(1, 12),
    broken=st.sampled_from((0.0, 0.3)),
    clocks=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_no_answered_call_is_bought_again(seed: int, size: int, most: int, broken: float, clocks: bool) -> None:
    bound = Grower(random.Random(seed), clocks=clocks).grow(size)
    with tempfile.TemporaryDirectory() as folder:
        first, second, _ = asyncio.run(in_two(Path(folder), bound, Cast(seed, broken, seed), most))
    paid = list(first.bought)
    for bought in second.bought:
        assert bought not in paid


@given(seed=st.integers(0, 2**32), size=st.integers(1, 10), most=st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_answer_is_that_of_a_run_that_was_never_cut(seed: int, size: int, most: int) -> None:
    bound = Grower(random.Random(seed), clocks=False).grow(size)
    cast = Cast(seed, 0.0, seed)
    whole = asyncio.run(Stage({"*": cast}).run(bound, messages=ASKED, seed=1))
    with tempfile.TemporaryDirectory() as folder:
        *_, again = asyncio.run(in_two(Path(folder), bound, Cast(seed, 0.0, seed), most))
    assert again is not None
    assert (again.answer, again.state) == (whole.answer, whole.state)
