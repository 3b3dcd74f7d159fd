"""What becomes of a node that nobody waits for any more (semantics 1). Functions over a run's Progress.

It ends, unless an unsettled node may still come to demand it at a later stage: the next option of a fallback, the
inputs behind a `when`. Whether that demand comes before or after the withdrawal depends on who arrives first, and the
answer must not. So a call that may still be wanted runs on until that is decided, and what has not begun goes back to
sleep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusion_graph.graph import options
from fusion_graph.graph.plan import IDLE, RUNNING, WAITING
from fusion_graph.outputs import Outcome

if TYPE_CHECKING:
    from fusion_graph.graph.progress import Progress

NOT_NEEDED = Outcome("skipped", None, "not_needed")


def let_go(run: Progress, i: int, reason: str) -> None:
    """Demand for node i was withdrawn: running = cancelled, not begun = skipped."""
    begun = _was_begun(run, i)
    if may_want(run, i):
        if begun:
            run.choosing.spared[i] = reason
        else:
            _put_to_sleep(run, i)
    elif begun:
        run.cancels.append(i)
        run.settle(i, Outcome("cancelled", None, reason))
    else:
        run.settle(i, NOT_NEEDED)


def review(run: Progress) -> None:
    """Spared calls that nobody can come to want any more are unwanted again."""
    spared = run.choosing.spared
    for i, reason in list(spared.items()):
        if run.states[i].phase != RUNNING or run.is_wanted(i):
            del spared[i]
        elif not may_want(run, i):
            del spared[i]
            run.unwanted.append((i, reason))


def stop(run: Progress, i: int, *, keep_running: bool) -> None:
    """The closing of the run ends a call that was demanded, unless it runs and may finish."""
    if run.states[i].phase not in (WAITING, RUNNING):
        return
    if _was_begun(run, i):
        if keep_running:
            return
        run.cancels.append(i)
    run.settle(i, Outcome("cancelled", None, run.closed))


def unlaunch(run: Progress, i: int) -> None:
    """The arm i did not fit what the run may spend: as if it had not been launched. It has its turn when whoever runs
    before it fails."""
    for c in run.states[i].waiters:
        state = run.states[c]
        state.demands = tuple([o for o in state.demands if o != i])
        state.asked -= 1
        state.pending -= 1
    run.states[i].waiters = ()
    _put_to_sleep(run, i)


def may_want(run: Progress, i: int) -> bool:
    """True when a node that is wanted itself may demand i at a later stage, directly or through nodes that sleep."""
    stack, seen = [i], {i}
    while stack:
        s = stack.pop()
        for c in run.plan.consumers[s]:
            if run.states[c].phase == WAITING and run.is_wanted(c):
                if _may_ask(run, c, s):
                    return True
            elif run.states[c].phase in (IDLE, WAITING) and c not in seen:
                seen.add(c)
                stack.append(c)
    return False


def _may_ask(run: Progress, c: int, s: int) -> bool:
    """The waiting node c has a stage before it that demands s."""
    if run.states[c].stage == 0:
        return s in run.plan.sources[c]
    if run.plan.first_waits[c] is not None:
        ahead = options.ways(run, c)[run.states[c].asked :]
        aids = run.plan.aids[c] if any(run.plan.groups[option] for option in ahead) else ()
        return c not in run.choosing.committed and (s in ahead or s in aids)
    return run.plan.group_waits[c] is not None and s in run.plan.sources[c][run.states[c].asked :]


def _was_begun(run: Progress, i: int) -> bool:
    """The driver runs i's call; not so when it was asked to in this very transition, which is taken back here."""
    if run.states[i].phase != RUNNING:
        return False
    if i in run.starts:
        run.starts.remove(i)
        return False
    return run.plan.calls[i]


def _put_to_sleep(run: Progress, i: int) -> None:
    """As if it had never been demanded."""
    run.withdraw(i, reason="not_needed")
    run.states[i].begin_anew()
    choosing = run.choosing
    choosing.late.pop(i, None)
    choosing.candidates.pop(i, None)
    choosing.armed = {timer for timer in choosing.armed if timer.node != i}
