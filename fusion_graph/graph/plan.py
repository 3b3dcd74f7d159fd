"""The plan: who is demanded, who may start, who is no longer wanted. Pure: it knows no clock, task, network or kind.

`Plan` is the immutable topology of a bound pipeline, shared by all its runs. `PlanRun` is one run's state: lists by node
index and counters, never a rescan. It is told `started, first_content, finished, fired, close, end` and answers in four
lists that the driver drains: `starts`, `cancels`, `arms` (timer, seconds) and `settled` (nodes it settled by itself).

The rules are semantics sections 1, 2 and 4. A node passes through at most two stages of demand: `before` (the nodes named
in `when` and `after`), then its inputs; a fallback demands one option at a time and a sample with `stop` one window.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from fusion_graph.contracts import Wait, WaitAll, WaitFirst, WaitGroup
from fusion_graph.graph.conditions import holds
from fusion_graph.outputs import Draft, Outcome, Vote
from fusion_graph.pipeline import Condition

IDLE, WAITING, RUNNING, DONE = range(4)


class Timer(NamedTuple):
    """What `arms` holds and `fired` takes back: the grace of a group, or the hedge of a fallback after one option."""

    kind: Literal["grace", "hedge"]
    node: int
    option: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything by node index, in file order. `sources` are the data inputs; `required` the ones without `?`; `before` the
    nodes a `when` or `after` names; `aids` a fallback's analysis and score inputs (not options)."""

    ids: tuple[str, ...]
    sources: tuple[tuple[int, ...], ...]
    required: tuple[frozenset[int], ...]
    before: tuple[tuple[int, ...], ...]
    conditions: tuple[Condition | None, ...]
    waits: tuple[Wait, ...]
    aids: tuple[tuple[int, ...], ...]
    backups: tuple[int, ...]  # -1: none
    draft_sources: tuple[tuple[int, ...] | None, ...]  # of nodes that need a draft: the inputs that may bring one
    calls: tuple[bool, ...]  # the node calls a model
    groups: tuple[bool, ...]  # the node gives drafts
    writers: frozenset[int]  # W(output)
    hedged: frozenset[int]  # options whose start begins a hedge timer
    order: tuple[int, ...]  # topological
    output: int
    params: Mapping[str, Any] = field(default_factory=dict)

    def index(self) -> Mapping[str, int]:
        """Index by node id."""
        return {name: i for i, name in enumerate(self.ids)}


class PlanRun:
    """One run's state. See the module's docstring for what goes in and out."""

    __slots__ = (
        "_armed", "_bad", "_by_id", "_candidate", "_committed", "_demands", "_good", "_next", "_pending", "_queue", "_skips",
        "_stage", "_unwanted", "_waiters", "_want", "arms", "cancels", "chosen", "closed", "ended", "late", "outcomes",
        "phase", "plan", "settled", "starts",
    )  # fmt: skip

    def __init__(self, plan: Plan) -> None:
        n = len(plan.ids)
        self.plan = plan
        self.phase = [IDLE] * n
        self.outcomes: list[Outcome | None] = [None] * n
        self.chosen: list[tuple[int, ...]] = [()] * n  # a join's members, a fallback's option and its aids
        self.late: list[tuple[int, ...]] = [()] * n  # members a closing join left behind
        self.closed = ""
        self.ended = False
        self.starts: list[int] = []
        self.cancels: list[int] = []
        self.arms: list[tuple[Timer, float]] = []
        self.settled: list[int] = []
        self._by_id: Mapping[str, int] | None = None
        self._stage = [0] * n  # 0 before, 1 inputs; a fallback and a windowed sample stay in 1
        self._next = [0] * n  # the next option, or the next member to demand
        self._pending = [0] * n  # demanded and not settled
        self._want = [0] * n  # unsettled nodes that wait for this one
        self._waiters: list[tuple[int, ...]] = [()] * n
        self._demands: list[tuple[int, ...]] = [()] * n  # what the node waits for in its current stage
        self._good = [0] * n
        self._bad = [0] * n
        self._skips = [0] * n
        self._armed: set[Timer] = set()
        self._candidate: dict[int, int] = {}  # fallback: option that waits for its scores
        self._committed: dict[int, int] = {}  # fallback: option whose text has begun to reach the caller
        self._queue: list[int] = []
        self._unwanted: list[tuple[int, str]] = []

    # --- what the driver tells ------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Demand the output."""
        self._want[self.plan.output] = 1
        self._demand([self.plan.output])
        self._propagate()

    def finished(self, i: int, outcome: Outcome) -> None:
        """Node i ended. Ignored when the plan settled it in the meantime (it was cancelled)."""
        if self.phase[i] != DONE:
            self._settle(i, outcome)
            self._propagate()

    def started(self, i: int) -> None:
        """Node i's first call is under way: the hedge timers that run from its start begin."""
        for c in self._waiters[i]:
            wait = self.plan.waits[c]
            if isinstance(wait, WaitFirst) and wait.hedge_after_s is not None and self._hedgeable(c):
                self._arm(Timer("hedge", c, i), wait.hedge_after_s)

    def first_content(self, i: int) -> None:
        """The text of node i has begun to reach the caller: from here nothing may replace it."""
        for c in self._waiters[i]:
            if self.phase[c] == WAITING and isinstance(self.plan.waits[c], WaitFirst) and c not in self._committed:
                self._committed[c] = i
                self._withdraw(c, keep=i, reason="hedge_lost")
                self.first_content(c)
        self._propagate()

    def fired(self, timer: Timer) -> None:
        """A timer ran out; a stale one does nothing."""
        c = timer.node
        if self.phase[c] != WAITING or self.closed:
            return
        if timer.kind == "grace":
            self._close_group(c)
        elif self._hedgeable(c) and self.phase[timer.option] != DONE:
            self._next_option(c)
        self._propagate()

    def close(self, reason: str) -> None:
        """Stop waiting (semantics 4): groups settle with what is there, calls that do not write the answer end. On `budget`
        calls in flight finish, because they are reserved; on `deadline` they are cancelled."""
        if self.closed:
            return
        self.closed = reason
        for i in self.plan.order:
            if self.phase[i] not in (WAITING, RUNNING):
                continue
            if isinstance(self.plan.waits[i], WaitGroup):
                if self.phase[i] == WAITING and self._stage[i]:
                    self._weigh(i)
            elif self.plan.calls[i] and i not in self.plan.writers:
                self._stop(i, keep_running=reason == "budget")
            self._propagate()

    def end(self, reason: str) -> None:
        """All calls end now; the output takes the first settled option that is usable."""
        self.close(reason)
        self.ended = True
        for i in self.plan.order:
            if self.plan.calls[i]:
                self._stop(i, keep_running=False)
                self._propagate()

    def live(self) -> tuple[int, ...]:
        """The nodes whose text would be the answer if it went on: from the output through every current option."""
        found, stack = [], [self.plan.output]
        while stack:
            i = stack.pop()
            if not isinstance(self.plan.waits[i], WaitFirst):
                found.append(i)
            elif i in self._committed:
                stack.append(self._committed[i])
            elif self.chosen[i]:
                stack.append(self.chosen[i][0])
            elif self._stage[i]:
                stack.extend(o for o in self._demands[i] if o not in self.plan.aids[i] and self.phase[o] != DONE)
        return tuple(found)

    def is_hedge_arm(self, i: int) -> bool:
        """True when i was launched beside an option that is still running."""
        return any(
            isinstance(self.plan.waits[c], WaitFirst) and self.phase[c] == WAITING and self._runners(c)[:1] != [i]
            for c in self._waiters[i]
        )

    # --- demand ---------------------------------------------------------------------------------------------------------

    def _demand(self, nodes: list[int]) -> None:
        """Wake the nodes that are idle, and what they need, without recursion: chains may be long."""
        stack = nodes[::-1]
        while stack:
            i = stack.pop()
            if self.phase[i] != IDLE:
                continue
            self.phase[i] = WAITING
            if self.closed and self.plan.calls[i] and (self.ended or i not in self.plan.writers):
                self._settle(i, Outcome("cancelled", None, self.closed))
            elif self.plan.before[i]:
                stack.extend(self._ask(i, self.plan.before[i])[::-1])
            else:
                stack.extend(self._judge(i)[::-1])

    def _ask(self, c: int, sources: tuple[int, ...]) -> list[int]:
        """Register c's demand for the sources; the idle ones are returned, to be woken by the caller."""
        fresh: list[int] = []
        self._demands[c] += sources
        waiting = [s for s in sources if self.phase[s] != DONE]
        self._pending[c] += len(sources)
        for s in waiting:
            self._waiters[s] += (c,)
            self._want[s] += 1
            if self.phase[s] == IDLE:
                fresh.append(s)
        for s in sources:
            if self.phase[s] == DONE and self.phase[c] == WAITING:
                self._notice(c, s, fresh)
        return fresh

    def _judge(self, c: int) -> list[int]:
        """`before` is settled: the condition decides whether c demands its inputs."""
        condition = self.plan.conditions[c]
        if condition is not None and not self._holds(condition):
            self._settle(c, Outcome("skipped", None, "when"))
            return []
        self._stage[c], self._demands[c], self._pending[c] = 1, (), 0
        wait = self.plan.waits[c]
        if isinstance(wait, WaitFirst):
            return self._take_option(c)
        if isinstance(wait, WaitGroup):
            return self._take_window(c, wait)
        if not self.plan.sources[c]:
            self._ready(c)
            return []
        return self._ask(c, self.plan.sources[c])

    def _holds(self, condition: Condition) -> bool:
        if self._by_id is None:
            self._by_id = self.plan.index()
        by_id = self._by_id
        return holds(condition, lambda node: self.outcomes[by_id[node]], self.plan.params)

    def _take_window(self, c: int, wait: WaitGroup) -> list[int]:
        """Demand the next members: all of them, or a window of a sample."""
        members, start = self.plan.sources[c], self._next[c]
        stop = start + wait.window if wait.window and wait.agree else len(members)
        self._next[c] = min(stop, len(members))
        backup = self.plan.backups[c]
        if start == 0 and backup >= 0 and self.phase[backup] != DONE:  # kept alive: it is handed on if this join fails
            self._waiters[backup] += (c,)
            self._want[backup] += 1
        return self._ask(c, members[start : self._next[c]])

    def _take_option(self, c: int) -> list[int]:
        """Demand the fallback's next option, and its aids with the first group; settle it when none is left."""
        options = [s for s in self.plan.sources[c] if s not in self.plan.aids[c]]
        if self._next[c] >= len(options):
            if not self._runners(c):
                self._settle(c, self._exhausted(options))
            return []
        option = options[self._next[c]]
        self._next[c] += 1
        aids = self.plan.aids[c] if self.plan.groups[option] else ()
        return self._ask(c, (option, *(a for a in aids if a not in self._demands[c])))

    def _next_option(self, c: int) -> None:
        self._demand(self._take_option(c))

    def _exhausted(self, options: list[int]) -> Outcome:
        """No option was usable: failed if one failed, skipped if all were skipped."""
        ids, outcomes = self.plan.ids, [(o, self.outcomes[o]) for o in options]
        told = "; ".join(f"{ids[o]}: {outcome.reason or outcome.state}" for o, outcome in outcomes if outcome)
        if all(outcome is not None and outcome.state == "skipped" for _, outcome in outcomes):
            return Outcome("skipped", None, f"upstream:{ids[options[-1]]}", told)
        return Outcome("failed", None, self.closed or "no_usable_option", told)

    # --- settling -------------------------------------------------------------------------------------------------------

    def _settle(self, i: int, outcome: Outcome) -> None:
        if self.phase[i] != RUNNING or outcome.state == "cancelled":
            self.settled.append(i)
        self.phase[i] = DONE
        self.outcomes[i] = outcome
        if self._pending[i]:
            self._withdraw(i, keep=-1, reason="not_needed")
        self._queue.append(i)

    def _withdraw(self, c: int, *, keep: int, reason: str) -> None:
        """c waits no longer for what it demanded and has not got; whoever is then unwanted is swept later."""
        backup = self.plan.backups[c]
        for s in {*self._demands[c], backup} - {-1, keep}:
            if self.phase[s] != DONE and c in self._waiters[s]:
                self._waiters[s] = tuple(w for w in self._waiters[s] if w != c)
                self._want[s] -= 1
                if self._want[s] == 0:
                    self._unwanted.append((s, reason))

    def _propagate(self) -> None:
        """The whole transition first (settle, next stages, new demand), then the sweep of what nobody wants any more."""
        queue, unwanted = self._queue, self._unwanted
        while queue or unwanted:
            done = 0
            while done < len(queue):
                i = queue[done]
                done += 1
                for c in self._waiters[i]:
                    if self.phase[c] == WAITING:
                        fresh: list[int] = []
                        self._notice(c, i, fresh)
                        if fresh:
                            self._demand(fresh)
            queue.clear()
            if unwanted:
                i, reason = unwanted.pop()
                if self._want[i] == 0 and self.phase[i] in (WAITING, RUNNING):
                    self._drop(i, reason)
        if len(self.starts) > 1:
            self.starts.sort()  # file order, whatever order the demand was found in

    def _drop(self, i: int, reason: str) -> None:
        if self.phase[i] == RUNNING and self.plan.calls[i]:
            self.cancels.append(i)
            self._settle(i, Outcome("cancelled", None, reason))
        else:
            self._settle(i, Outcome("skipped", None, "not_needed"))

    def _stop(self, i: int, *, keep_running: bool) -> None:
        """A call that the closing of the run ends."""
        if self.phase[i] == WAITING:
            self._settle(i, Outcome("cancelled", None, self.closed))
        elif self.phase[i] == RUNNING and not keep_running:
            self.cancels.append(i)
            self._settle(i, Outcome("cancelled", None, self.closed))

    # --- an input settled -----------------------------------------------------------------------------------------------

    def _notice(self, c: int, i: int, fresh: list[int]) -> None:
        """Input i of the waiting node c is settled. Nodes to wake go to `fresh`."""
        if i == self.plan.backups[c] and i not in self._demands[c]:
            return
        self._pending[c] -= 1
        wait = self.plan.waits[c]
        if self._stage[c] == 0:
            if self._pending[c] == 0:
                fresh.extend(self._judge(c))
        elif isinstance(wait, WaitAll):
            self._notice_input(c, i)
        elif isinstance(wait, WaitGroup):
            outcome = self.outcomes[i]
            assert outcome is not None
            tally = self._good if outcome.value is not None else self._skips if outcome.state == "skipped" else self._bad
            tally[c] += 1
            fresh.extend(self._weigh(c))
        else:
            fresh.extend(self._notice_option(c, i))

    def _notice_input(self, c: int, i: int) -> None:
        outcome = self.outcomes[i]
        assert outcome is not None
        if outcome.value is None and i in self.plan.required[c] and not self._excused(outcome):
            if outcome.state != "skipped":
                self._settle(c, Outcome("failed", None, f"upstream:{self.plan.ids[i]}"))
                return
            self._skips[c] += 1  # judged when all are settled: a failed required input wins over a skipped one
        if self._pending[c] == 0:
            self._ready(c)

    def _excused(self, outcome: Outcome) -> bool:
        """What the closing of the run ended counts as an absent optional input."""
        return bool(self.closed) and outcome.reason == self.closed

    def _ready(self, c: int) -> None:
        """All inputs are settled and none of them forbids to start."""
        if self._skips[c]:
            lost = next(s for s in self.plan.sources[c] if s in self.plan.required[c] and self._skipped(s))
            self._settle(c, Outcome("skipped", None, f"upstream:{self.plan.ids[lost]}"))
            return
        drafts = self.plan.draft_sources[c]
        if drafts is not None and not any(self._has_value(s) for s in drafts):
            self._settle(c, Outcome("failed", None, "no_input", "no draft is left to work on"))
            return
        self._start(c)

    def _start(self, c: int) -> None:
        if self.ended and self.plan.calls[c]:
            self._settle(c, Outcome("cancelled", None, self.closed))
            return
        self.phase[c] = RUNNING
        self.starts.append(c)

    def _skipped(self, s: int) -> bool:
        outcome = self.outcomes[s]
        return outcome is not None and outcome.state == "skipped"

    def _has_value(self, s: int) -> bool:
        outcome = self.outcomes[s]
        return outcome is not None and outcome.value is not None

    # --- groups ---------------------------------------------------------------------------------------------------------

    def _weigh(self, c: int) -> list[int]:
        """Decide a group: close it, fail it, arm its grace, demand its next window, or go on waiting."""
        wait = self.plan.waits[c]
        assert isinstance(wait, WaitGroup)
        total, good, skips = len(self.plan.sources[c]), self._good[c], self._skips[c]
        if skips == total:
            self._settle(c, Outcome("skipped", None, f"upstream:{self.plan.ids[self.plan.sources[c][0]]}"))
            return []
        need = 1 if wait.quorum is None or self.closed else wait.quorum or total - skips
        open_ended = self._pending[c] if self.closed else total - good - skips - self._bad[c]
        hurried = self.closed == "deadline"
        if good + open_ended < need or (hurried and not good):
            self._fail_group(c)
        elif self._pending[c] == 0:
            return self._after_window(c, wait, need)
        elif hurried:
            self._close_group(c)
        elif wait.quorum and good >= need and not self.closed:  # after a budget stop what is paid for may still come in
            if wait.grace_s > 0:
                self._arm(Timer("grace", c), wait.grace_s)
            else:
                self._close_group(c)
        return []

    def _after_window(self, c: int, wait: WaitGroup, need: int) -> list[int]:
        """All demanded members are settled: enough agreement, or none left to ask, closes; else the next window."""
        all_asked = self._next[c] >= len(self.plan.sources[c])
        if all_asked or self.closed or (self._good[c] >= need and self._agreed(c) >= wait.agree > 0):
            self._close_group(c)
            return []
        return self._take_window(c, wait)

    def _agreed(self, c: int) -> int:
        """Members of the largest answer so far."""
        tally: Counter[str] = Counter()
        for s in self.plan.sources[c]:
            outcome = self.outcomes[s]
            value = outcome.value if outcome else None
            draft = value.draft if isinstance(value, Vote) else value
            if isinstance(draft, Draft) and draft.answer is not None:
                tally[draft.answer] += 1
        return max(tally.values(), default=0)

    def _close_group(self, c: int) -> None:
        demanded = self.plan.sources[c][: self._next[c]]
        self.chosen[c] = tuple(s for s in demanded if self._has_value(s))
        self.late[c] = tuple(s for s in demanded if self.phase[s] != DONE)
        self._withdraw(c, keep=-1, reason="late")
        self._start(c)

    def _fail_group(self, c: int) -> None:
        """Out of reach: a depth that ends with nothing hands on the depth before it; else the group fails at once."""
        backup = self.plan.backups[c]
        if backup >= 0 and self._has_value(backup):
            self.chosen[c] = (backup,)
            self._withdraw(c, keep=-1, reason="not_needed")
            self._start(c)
            return
        told = f"{self._good[c]} of {len(self.plan.sources[c])} usable"
        self._settle(c, Outcome("failed", None, self.closed or "quorum_not_met", told))

    def _arm(self, timer: Timer, seconds: float) -> None:
        if timer not in self._armed:
            self._armed.add(timer)
            self.arms.append((timer, seconds))

    # --- fallbacks ------------------------------------------------------------------------------------------------------

    def _hedgeable(self, c: int) -> bool:
        return self.phase[c] == WAITING and c not in self._committed and not self.closed

    def _runners(self, c: int) -> list[int]:
        """Options demanded and not settled, in file order."""
        return [o for o in self._demands[c] if o not in self.plan.aids[c] and self.phase[o] != DONE]

    def _notice_option(self, c: int, i: int) -> list[int]:
        if i in self.plan.aids[c]:
            if c in self._candidate:
                self._choose(c, self._candidate[c])
            return []
        if self._has_value(i):
            self._choose(c, i)
            return []
        if self._committed.get(c) == i:
            outcome = self.outcomes[i]
            self._settle(c, Outcome("failed", None, outcome.reason if outcome else "", "its text had begun to be sent"))
            return []
        if self._runners(c) or c in self._candidate:
            return []
        return self._take_option(c)

    def _choose(self, c: int, option: int) -> None:
        """Take a usable option, once the scores its group is picked by are settled."""
        aids = self.plan.aids[c] if self.plan.groups[option] else ()
        if any(self.phase[a] != DONE for a in aids):
            self._candidate[c] = option
            return
        self.chosen[c] = (option, *(a for a in aids if self._has_value(a)))
        self._withdraw(c, keep=-1, reason="hedge_lost")
        self._start(c)
