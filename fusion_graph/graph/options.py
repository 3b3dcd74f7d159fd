"""How a fallback waits: one option after the other, or beside each other when hedged. Functions over a run's
Progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fusion_graph.graph.plan import DONE, WAITING, Timer
from fusion_graph.outputs import Outcome

if TYPE_CHECKING:
    from fusion_graph.graph.progress import Progress


def take(run: Progress, c: int) -> list[int]:
    """Demand the next option, and the aids with the first group; settle the fallback when none is left. One that has
    ended without a value before it was asked is passed over here, as there may be many."""
    state, choices = run.states[c], ways(run, c)
    alone = not runners(run, c) and c not in run.choosing.candidates
    while state.asked < len(choices):
        option = choices[state.asked]
        state.asked += 1
        if option in run.choosing.begun:  # somebody else wanted it before
            arm(run, c, option)
        aids = run.plan.aids[c] if run.plan.groups[option] else ()
        outcome = run.states[option].outcome
        if aids or not alone or outcome is None or outcome.value is not None:
            return run.ask(c, (option, *(a for a in aids if a not in state.demands)))
        state.demands += (option,)
    if alone:
        run.settle(c, _exhausted(run, c))
    return []


def ways(run: Progress, c: int) -> tuple[int, ...]:
    """The options in the order in which they are tried: first the one that an earlier try of this run ended with."""
    choices = run.plan.options[c]
    first = run.decided.get(c, ())[:1]
    return (*first, *(o for o in choices if o not in first)) if first else choices


def take_next(run: Progress, c: int) -> None:
    """A hedge: launch the next option beside those that run."""
    run.demand(take(run, c))


def notice(run: Progress, c: int, i: int, outcome: Outcome) -> list[int]:
    """An option or an aid settled. Returns the nodes to wake."""
    if i in run.plan.aids[c]:
        if c in run.choosing.candidates:
            _choose(run, c, run.choosing.candidates[c])
    elif outcome.value is not None:
        _choose(run, c, i)
    elif run.choosing.committed.get(c) == i:
        run.settle(c, Outcome("failed", None, outcome.reason, "its text had begun to be sent"))
    elif not runners(run, c) and c not in run.choosing.candidates:
        return take(run, c)
    return []


def _choose(run: Progress, c: int, option: int) -> None:
    """Take a usable option, once the scores its group is picked by are settled."""
    state = run.states[c]
    aids = run.plan.aids[c] if run.plan.groups[option] else ()
    if any(run.states[a].phase != DONE for a in aids):
        run.choosing.candidates[c] = option
        return
    state.chosen = (option, *(a for a in aids if run.has_value(a)))
    if state.pending:
        run.withdraw(c, reason="hedge_lost")
    run.start(c)


def _exhausted(run: Progress, c: int) -> Outcome:
    """No option was usable: failed if one failed, skipped if all were skipped."""
    ids, choices = run.plan.ids, run.plan.options[c]
    outcomes = [(o, run.states[o].outcome) for o in choices]
    told = "; ".join(f"{ids[o]}: {outcome.reason or outcome.state}" for o, outcome in outcomes if outcome)
    if all(outcome is not None and outcome.state == "skipped" for _, outcome in outcomes):
        return Outcome("skipped", None, f"upstream:{ids[choices[-1]]}", told)
    return Outcome("failed", None, run.closed or "no_usable_option", told)


def runners(run: Progress, c: int) -> list[int]:
    """Options demanded and not settled, in file order."""
    return [o for o in run.states[c].demands if o not in run.plan.aids[c] and run.states[o].phase != DONE]


def arm(run: Progress, c: int, option: int) -> None:
    """The option runs: unless it is settled in time, the next one starts beside it."""
    wait = run.plan.first_waits[c]
    if wait is not None and wait.hedge_after_s is not None and can_hedge(run, c):
        run.arm(Timer("hedge", c, option), wait.hedge_after_s)


def can_hedge(run: Progress, c: int) -> bool:
    return _is_choosing(run, c) and c not in run.choosing.committed and not run.closed


def _is_choosing(run: Progress, c: int) -> bool:
    """A fallback that has demanded options; before that it may wait for one that its `when` or `after` names."""
    state = run.states[c]
    return state.phase == WAITING and state.stage > 0 and run.plan.first_waits[c] is not None


def is_hedge_arm(run: Progress, i: int) -> bool:
    """True when i was launched beside an option that is still running, and for nothing else."""
    return bool(run.states[i].waiters) and all(
        _is_choosing(run, c) and i in runners(run, c)[1:] for c in run.states[i].waiters
    )


def commit(run: Progress, i: int) -> None:
    """Node i's text reaches the caller: every fallback on the way to the output has chosen; hedges lose."""
    stack, committed = [i], run.choosing.committed
    while stack:
        i = stack.pop()
        for c in run.states[i].waiters:
            if _is_choosing(run, c) and c not in committed:
                committed[c] = i
                run.withdraw(c, keep=i, reason="hedge_lost")
                stack.append(c)


def live(run: Progress) -> tuple[int, ...]:
    """The nodes whose text would be the answer if it went on: from the output through every current option."""
    found, stack = [], [run.plan.output]
    while stack:
        i = stack.pop()
        if run.plan.first_waits[i] is None:
            found.append(i)
        elif i in run.choosing.committed:
            stack.append(run.choosing.committed[i])
        elif run.states[i].chosen:
            stack.append(run.states[i].chosen[0])
        elif run.states[i].stage:
            stack.extend(runners(run, i))
    return tuple(found)
