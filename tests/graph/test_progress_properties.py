"""What holds of every run of every plan: random graphs with random waits, random outcomes in random order."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from fusion_graph.graph import groups
from fusion_graph.graph.bound import Bound
from fusion_graph.graph.plan import DONE, IDLE, RUNNING, WAITING
from fusion_graph.graph.wanted import may_want
from fusion_graph.outputs import Outcome
from tests.graph.growing import Fate, Grower
from tests.graph.walk import Walk


def calls_of(walk: Walk) -> list[int]:
    return [i for i, state in enumerate(walk.progress.states) if state.phase == RUNNING]


def check_step(walk: Walk) -> None:
    """What must hold after every transition."""
    progress, plan = walk.progress, walk.plan
    assert not progress.queue
    assert not progress.unwanted
    for i, phase in enumerate(state.phase for state in progress.states):
        unsettled = [s for s in (*plan.before[i], *plan.sources[i]) if progress.states[s].phase != DONE]
        if phase == RUNNING:
            assert plan.calls[i], f"{plan.ids[i]} should have been folded"
            assert not unsettled
        if phase == WAITING:
            assert unsettled or plan.group_waits[i], f"{plan.ids[i]} waits for nothing"
            assert any(progress.states[s].phase in (WAITING, RUNNING) for s in unsettled), (
                f"{plan.ids[i]} waits for nobody"
            )
            check_quorum(walk, i)
        if phase in (WAITING, RUNNING) and i != plan.output:
            waited_for = any(progress.states[c].phase == WAITING for c in progress.states[i].waiters)
            assert waited_for or (i in progress.choosing.spared and may_want(progress, i)), (
                f"{plan.ids[i]} is not wanted"
            )


def check_quorum(walk: Walk, i: int) -> None:
    """An unreachable quorum fails at once, so whoever still waits can still get there."""
    progress, wait = walk.progress, walk.plan.group_waits[i]
    if wait is None or progress.states[i].stage == 0:
        return
    asked = walk.plan.sources[i][: progress.states[i].asked]
    assert progress.states[i].pending == sum(progress.states[s].phase != DONE for s in asked)
    if progress.closed:
        return
    outcomes = [progress.states[s].outcome for s in walk.plan.sources[i]]
    skipped = sum(o is not None and o.state == "skipped" for o in outcomes)
    if groups.may_be_skipped(progress, i):
        return
    possible = sum(o is None or o.value is not None for o in outcomes)
    need = 1 if wait.quorum is None else wait.quorum or len(outcomes) - skipped
    assert possible >= need


def check_end(walk: Walk) -> None:
    assert walk.progress.states[walk.plan.output].phase == DONE
    assert {state.phase for state in walk.progress.states} <= {IDLE, DONE}
    assert not calls_of(walk)
    assert len(walk.cancelled) == len(set(walk.cancelled))
    assert set(walk.cancelled) <= set(walk.started)


def run(bound: Bound, fate: Fate, order: random.Random, *, clocks: bool = False) -> Walk:
    """To the end, whoever finishes next being drawn; with `clocks` timers fire, texts begin and the run closes too."""
    walk = Walk(bound)
    check_step(walk)
    for _ in range(10 * len(bound.nodes) + 50):
        if walk.progress.states[walk.plan.output].phase == DONE:
            break
        running = calls_of(walk)
        assert running, "nothing runs and nothing is settled"
        i = order.choice(running)
        if clocks and order.random() < 0.4:
            disturb(walk, order, i)
        else:
            walk.progress.finished(i, fate.of(i))
            walk._drain()
        check_step(walk)
    check_end(walk)
    return walk


def disturb(walk: Walk, order: random.Random, i: int) -> None:
    """Something other than a call's end."""
    what = order.choice(("start", "start", "fire", "fire", "speak", "close", "end"))
    if what == "start":
        walk.progress.started(i)
    elif what == "fire" and walk.armed:
        walk.progress.fired(order.choice(sorted(walk.armed)))
    elif what == "speak" and walk.plan.ids[i] in walk.live:
        walk.progress.first_content(i)
    elif what == "close":
        walk.progress.close(order.choice(("deadline", "budget")))
    elif what == "end" and order.random() < 0.3:
        walk.progress.end("deadline")
    walk._drain()


def settled(walk: Walk) -> dict[str, Outcome]:
    """The outcomes of nodes that were wanted to their end: the others depend on when that was known."""
    return {
        name: outcome
        for name, outcome in zip(walk.plan.ids, (state.outcome for state in walk.progress.states), strict=True)
        if outcome is not None and outcome.state != "cancelled" and outcome.reason != "not_needed"
    }


SEEDS = st.integers(0, 2**32)
SIZES = st.integers(1, 14)
SHARES = st.sampled_from((0.0, 0.2, 0.5, 0.9))


@given(seed=SEEDS, size=SIZES, broken=SHARES)
@settings(max_examples=250, deadline=None)
def test_every_run_ends(seed: int, size: int, broken: float) -> None:
    """semantics 1: nothing demanded stays unsettled, nothing starts twice or early, nothing runs at the end."""
    dice = random.Random(seed)
    bound = Grower(dice, clocks=True).grow(size)
    run(bound, Fate(bound, seed, broken), dice, clocks=True)


@given(seed=SEEDS, size=SIZES, broken=SHARES, orders=st.lists(SEEDS, min_size=2, max_size=4, unique=True))
@settings(max_examples=200, deadline=None)
def test_order_of_arrival_changes_nothing(seed: int, size: int, broken: float, orders: Sequence[int]) -> None:
    """semantics 1: same seed and replies give the same answer wherever the file asks no clock."""
    bound = Grower(random.Random(seed), clocks=False).grow(size)
    fate = Fate(bound, seed, broken)
    first, *others = [run(bound, fate, random.Random(order)) for order in orders]
    for other in others:
        mine, theirs = settled(first), settled(other)
        assert mine.keys() >= {"out"} <= theirs.keys()
        for name in mine.keys() & theirs.keys():
            assert mine[name].state == theirs[name].state, name
            assert mine[name].value == theirs[name].value, name


@given(seed=SEEDS, size=SIZES)
@settings(max_examples=60, deadline=None)
def test_same_order_gives_the_same_run(seed: int, size: int) -> None:
    """semantics 1: the plan is pure: told the same, it answers the same."""
    bound = Grower(random.Random(seed), clocks=True).grow(size)
    fate = Fate(bound, seed, 0.3)
    one, two = (run(bound, fate, random.Random(seed), clocks=True) for _ in range(2))
    assert (one.started, one.cancelled, one.settled) == (two.started, two.cancelled, two.settled)
    assert [s.outcome for s in one.progress.states] == [s.outcome for s in two.progress.states]


@given(seed=SEEDS, size=SIZES, reason=st.sampled_from(("deadline", "budget")), share=st.floats(0, 1))
@settings(max_examples=150, deadline=None)
def test_closing_starts_only_writers(seed: int, size: int, reason: str, share: float) -> None:
    """semantics 4: when the plan has closed, no other call starts."""
    dice = random.Random(seed)
    bound = Grower(dice, clocks=True).grow(size)
    fate = Fate(bound, seed, 0.2)
    walk = Walk(bound)
    while calls_of(walk) and dice.random() < share:
        i = dice.choice(calls_of(walk))
        walk.progress.finished(i, fate.of(i))
        walk._drain()
    before = set(walk.started)
    walk.close(reason)
    while calls_of(walk):
        i = dice.choice(calls_of(walk))
        walk.progress.finished(i, fate.of(i))
        walk._drain()
        check_step(walk)
    check_end(walk)
    writers = {walk.plan.ids[i] for i in walk.plan.writers}
    assert set(walk.started) - before <= writers
