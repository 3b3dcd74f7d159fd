"""How a join waits: quorum, grace, windows and early stop (semantics 1 and 2). Functions over a run's Progress."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fusion_graph.contracts import WaitGroup
from fusion_graph.graph.plan import DONE, RUNNING, Timer
from fusion_graph.outputs import Draft, Outcome, Vote

if TYPE_CHECKING:
    from fusion_graph.graph.progress import Progress


def take(run: Progress, c: int, wait: WaitGroup) -> list[int]:
    """Demand the next members: all of them, or a window of a sample. Returns the nodes to wake."""
    state = run.states[c]
    members, start = run.plan.sources[c], state.asked
    if start == 0 and c in run.decided:
        state.asked = len(members)
        return run.ask(c, run.decided[c])
    stop = start + wait.window if wait.window and wait.agree else len(members)
    state.asked = min(stop, len(members))
    backup = run.plan.backups[c]
    if start == 0 and backup >= 0 and run.states[backup].phase != DONE:
        run.states[backup].waiters += (c,)  # kept alive: it is handed on if this join ends with nothing
    return run.ask(c, members[start : state.asked])


def notice(run: Progress, c: int, outcome: Outcome) -> list[int]:
    """A member settled."""
    state = run.states[c]
    if outcome.value is not None:
        state.good += 1
        wait = run.plan.group_waits[c]
        if state.pending and wait is not None and wait.quorum is None and not run.closed:
            return []  # waits for all anyway
    elif outcome.state == "skipped":
        state.skips += 1
    return weigh(run, c)


def weigh(run: Progress, c: int) -> list[int]:
    """Decide a group: close it, fail it, arm its grace, demand its next window, or go on waiting."""
    state = run.states[c]
    wait = run.plan.group_waits[c]
    assert wait is not None
    if c in run.decided and not run.closed:
        return _weigh_again(run, c)
    total, good, skips = len(run.plan.sources[c]), state.good, state.skips
    if skips == total:
        run.settle(c, Outcome("skipped", None, f"upstream:{run.plan.ids[run.plan.sources[c][0]]}"))
        return []
    need = 1 if wait.quorum is None or run.closed else wait.quorum or total - skips
    open_ended = state.pending if run.closed else state.pending + total - state.asked
    hurried = run.closed == "deadline" and all(_awaits_call(run, s) for s in _pending(run, c))
    if (good + open_ended < need and not may_be_skipped(run, c)) or (hurried and not good):
        _fail(run, c)
    elif state.pending == 0:
        return _after_window(run, c, wait, need)
    elif hurried:
        close(run, c)
    elif wait.quorum and good >= need and not run.closed:  # after a budget stop what is paid for may still come in
        if wait.grace_s > 0:
            run.arm(Timer("grace", c), wait.grace_s)
        else:
            close(run, c)
    return []


def may_be_skipped(run: Progress, c: int) -> bool:
    """All members so far were skipped, and of the others none has begun: if they are skipped too, so is the group."""
    state = run.states[c]
    settled = state.asked - state.pending > state.skips or run.closed
    return not settled and all(run.states[s].phase != RUNNING for s in _pending(run, c))


def _weigh_again(run: Progress, c: int) -> list[int]:
    """A group that was decided in an earlier try: it closes as it did then. If one of those members has no value this
    time, it is decided anew."""
    state = run.states[c]
    if state.pending:
        return []
    members = run.decided[c]
    if state.good == len(members):
        close(run, c)
        return []
    del run.decided[c]
    state.good = state.skips = 0
    state.demands = ()
    return run.ask(c, run.plan.sources[c])


def _pending(run: Progress, c: int) -> tuple[int, ...]:
    """Members that were demanded and are not settled."""
    return tuple(s for s in run.plan.sources[c][: run.states[c].asked] if run.states[s].phase != DONE)


def _awaits_call(run: Progress, s: int) -> bool:
    """True when s cannot settle before a call does; what is only computed is worth waiting for, even at the end."""
    stack, seen = [s], {s}
    while stack:
        i = stack.pop()
        if run.states[i].phase == DONE:
            continue
        if run.plan.calls[i]:
            return True
        fresh = [source for source in run.states[i].demands if source not in seen]
        seen.update(fresh)
        stack += fresh
    return False


def _after_window(run: Progress, c: int, wait: WaitGroup, need: int) -> list[int]:
    """All demanded members are settled: a quorum, enough agreement, or none left to ask, closes; else the next
    window."""
    state = run.states[c]
    all_asked = state.asked >= len(run.plan.sources[c])
    if all_asked or run.closed or (state.good >= need and (wait.quorum or _agreed(run, c) >= wait.agree > 0)):
        close(run, c)
        return []
    return take(run, c, wait)


def _agreed(run: Progress, c: int) -> int:
    """Members of the largest answer so far, of those that were drawn: another node may have wanted a later one."""
    tally: Counter[str] = Counter()
    for s in run.plan.sources[c][: run.states[c].asked]:
        outcome = run.states[s].outcome
        value = outcome.value if outcome else None
        draft = value.draft if isinstance(value, Vote) else value
        if isinstance(draft, Draft) and draft.answer is not None:
            tally[draft.answer] += 1
    return max(tally.values(), default=0)


def close(run: Progress, c: int) -> None:
    """The group's list is made here, once; who is late is left behind."""
    state = run.states[c]
    chosen = []
    for s in run.decided.get(c) or run.plan.sources[c][: state.asked]:
        outcome = run.states[s].outcome
        if outcome is not None and outcome.value is not None:
            chosen.append(s)
    state.chosen = tuple(chosen)
    if state.pending:
        run.choosing.late[c] = _pending(run, c)
    if state.pending or run.plan.backups[c] >= 0:
        run.withdraw(c, reason="late")
    run.start(c)


def _fail(run: Progress, c: int) -> None:
    """Out of reach: a depth that ends with nothing hands on the depth before it; else the group fails at once."""
    state = run.states[c]
    backup = run.plan.backups[c]
    if backup >= 0 and run.has_value(backup):
        state.chosen = (backup,)
        run.withdraw(c, reason="not_needed")
        run.start(c)
        return
    told = f"{state.good} of {len(run.plan.sources[c])} usable"
    run.settle(c, Outcome("failed", None, run.closed or "quorum_not_met", told))
