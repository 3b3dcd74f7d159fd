"""One run's way through its plan: who is demanded, who may start, who is no longer wanted. Sans I/O.

It is told `started, first_content, finished, fired, close, end` and answers in four lists that the driver drains:
`starts`, `cancels`, `arms` (timer, seconds) and `settled` (nodes it settled by itself). Counters by node index, never a
rescan. A node passes at most two stages of demand: `before` (the nodes its `when` and `after` name), then its inputs; a
fallback demands one option at a time (`graph/options`) and a sample with `stop` one window (`graph/groups`).
"""

from __future__ import annotations

from typing import Any

from fusion_graph.graph import groups, options
from fusion_graph.graph.conditions import holds
from fusion_graph.graph.plan import DONE, IDLE, RUNNING, WAITING, Plan, Timer
from fusion_graph.outputs import Outcome
from fusion_graph.pipeline import Condition

FINISHED_EARLY = Outcome("skipped", None, "not_needed")

LISTS = (
    "phase",
    "outcomes",
    "chosen",
    "late",
    "stage",
    "asked",
    "pending",
    "want",
    "waiters",
    "demands",
    "good",
    "bad",
    "skips",
)
"""What is copied from the plan's opening state; every element is immutable."""


class Progress:
    """The state of one run. Names without underscore are for the driver and for `groups` and `options`."""

    __slots__ = (
        *LISTS, "armed", "arms", "begun", "cancels", "candidates", "closed", "committed", "ended", "plan", "queue",
        "settled", "starts", "unwanted",
    )  # fmt: skip

    phase: list[int]
    outcomes: list[Outcome | None]
    chosen: list[tuple[int, ...]]  # a join's members, a fallback's option and its aids
    late: list[tuple[int, ...]]  # members a closing join left behind
    stage: list[int]  # 0 before, 1 inputs
    asked: list[int]  # how many options or members were demanded
    pending: list[int]  # demanded in this stage and not settled
    want: list[int]  # unsettled nodes that wait for this one
    waiters: list[tuple[int, ...]]
    demands: list[tuple[int, ...]]
    good: list[int]
    bad: list[int]
    skips: list[int]

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.closed = ""
        self.ended = False
        self.starts: list[int] = []
        self.cancels: list[int] = []
        self.arms: list[tuple[Timer, float]] = []
        self.settled: list[int] = []
        self.queue: list[int] = []
        self.unwanted: list[tuple[int, str]] = []
        self.armed: set[Timer] = set()
        self.begun: set[int] = set()  # options of hedges whose call is under way
        self.candidates: dict[int, int] = {}  # fallback: option that waits for its scores
        self.committed: dict[int, int] = {}  # fallback: option whose text has begun to reach the caller

    def begin(self) -> None:
        """Demand the output. The opening is the same in every run of a plan, so it is worked out once and copied."""
        opening = self.plan.__dict__.get("opening")
        if opening is None:
            opening = self._open()
            self.plan.__dict__["opening"] = opening
        lists, starts, settled = opening
        for name, values in zip(LISTS, lists, strict=True):
            setattr(self, name, values.copy())
        self.starts, self.settled = starts.copy(), settled.copy()

    def _open(self) -> tuple[list[list[Any]], list[int], list[int]]:
        n = len(self.plan.ids)
        blank: dict[str, Any] = {"outcomes": None, "chosen": (), "late": (), "waiters": (), "demands": ()}
        for name in LISTS:
            setattr(self, name, [blank.get(name, 0)] * n)
        self.want[self.plan.output] = 1
        self.demand([self.plan.output])
        self.propagate()
        return [getattr(self, name) for name in LISTS], self.starts, self.settled

    # --- what the driver tells ----------------------------------------------------------------------------------------

    def finished(self, i: int, outcome: Outcome) -> None:
        """Node i ended. Ignored when the plan settled it in the meantime (it was cancelled)."""
        phase = self.phase
        if phase[i] == DONE:
            return
        phase[i] = DONE
        self.outcomes[i] = outcome
        pending, patient, has_value = self.pending, self.plan.patient, outcome.value is not None
        for c in self.waiters[i]:
            if phase[c] != WAITING:
                continue
            if has_value and pending[c] > 1 and patient[c] and self.stage[c] and not self.closed:
                pending[c] -= 1  # nothing can be decided yet
                self.good[c] += 1
            else:
                self.notice(c, i, outcome)
        if self.queue or self.unwanted:
            self.propagate()
        if len(self.starts) > 1:
            self.starts.sort()

    def started(self, i: int) -> None:
        """Node i's first call is under way: the hedge timers that run from its start begin."""
        self.begun.add(i)
        for c in self.waiters[i]:
            options.arm(self, c, i)

    def first_content(self, i: int) -> None:
        """The text of node i has begun to reach the caller: from here nothing may replace it."""
        options.commit(self, i)
        self.propagate()

    def fired(self, timer: Timer) -> None:
        """A timer ran out; a stale one does nothing."""
        c = timer.node
        if self.phase[c] != WAITING or self.closed:
            return
        if timer.kind == "grace":
            groups.close(self, c)
        elif options.can_hedge(self, c) and self.phase[timer.option] != DONE:
            options.take_next(self, c)
        self.propagate()

    def close(self, reason: str) -> None:
        """Stop waiting (semantics 4): groups settle with what is there, calls that do not write the answer end. On
        `budget` calls in flight finish, because they are reserved; on `deadline` they are cancelled."""
        if self.closed:
            return
        self.closed = reason
        plan = self.plan
        for i in plan.order:
            if plan.calls[i] and i not in plan.writers:
                self._stop(i, keep_running=reason == "budget")
        self.propagate()
        for i in plan.order:  # groups that wait for a writer, or for a quorum that no longer counts
            if plan.group_waits[i] is not None and self.phase[i] == WAITING and self.stage[i]:
                groups.weigh(self, i)
                self.propagate()

    def end(self, reason: str) -> None:
        """All calls end now; the output takes the first settled option that is usable."""
        self.close(reason)
        self.ended = True
        for i in self.plan.order:
            if self.plan.calls[i]:
                self._stop(i, keep_running=False)
                self.propagate()

    # --- demand -------------------------------------------------------------------------------------------------------

    def demand(self, nodes: list[int]) -> None:
        """Wake the nodes that are idle, and what they need, without recursion: chains may be long."""
        stack = nodes[::-1]
        plan = self.plan
        while stack:
            i = stack.pop()
            if self.phase[i] != IDLE:
                continue
            self.phase[i] = WAITING
            if self.closed and plan.calls[i] and (self.ended or i not in plan.writers):
                self.settle(i, Outcome("cancelled", None, self.closed))
                continue
            stack.extend((self.ask(i, plan.before[i]) if plan.before[i] else self._judge(i))[::-1])

    def ask(self, c: int, sources: tuple[int, ...]) -> list[int]:
        """Register c's demand for the sources; the idle ones are returned, to be woken by the caller."""
        fresh: list[int] = []
        phase = self.phase
        self.demands[c] += sources
        self.pending[c] += len(sources)
        for s in sources:
            if phase[s] != DONE:
                self.hold(c, s)
                if phase[s] == IDLE:
                    fresh.append(s)
        for s in sources:
            outcome = self.outcomes[s]
            if outcome is not None and phase[c] == WAITING:
                self.notice(c, s, outcome, fresh)
        return fresh

    def hold(self, c: int, s: int) -> None:
        """c waits for s."""
        self.waiters[s] += (c,)
        self.want[s] += 1

    def _judge(self, c: int) -> list[int]:
        """`before` is settled: the condition decides whether c demands its inputs."""
        plan = self.plan
        condition = plan.conditions[c]
        if condition is not None and not self._holds(condition):
            self.settle(c, Outcome("skipped", None, "when"))
            return []
        self.stage[c], self.demands[c], self.pending[c] = 1, (), 0
        if plan.first_waits[c] is not None:
            return options.take(self, c)
        wait = plan.group_waits[c]
        if wait is not None:
            return groups.take(self, c, wait)
        if not plan.sources[c]:
            self._ready(c)
            return []
        return self.ask(c, plan.sources[c])

    def _holds(self, condition: Condition) -> bool:
        index = self.plan.index
        return holds(condition, lambda node: self.outcomes[index[node]], self.plan.params)

    # --- settling -----------------------------------------------------------------------------------------------------

    def settle(self, i: int, outcome: Outcome) -> None:
        """The plan itself ends node i. Who waits for it hears at the next `propagate`."""
        self.settled.append(i)
        self.phase[i] = DONE
        self.outcomes[i] = outcome
        if self.pending[i]:
            self.withdraw(i, reason="not_needed")
        self.queue.append(i)

    def withdraw(self, c: int, *, reason: str, keep: int = -1) -> None:
        """c waits no longer for what it demanded and has not got; whoever is then unwanted is swept later."""
        for s in {*self.demands[c], self.plan.backups[c]} - {-1, keep}:
            if self.phase[s] != DONE and c in self.waiters[s]:
                self.waiters[s] = tuple(w for w in self.waiters[s] if w != c)
                self.want[s] -= 1
                if self.want[s] == 0:
                    self.unwanted.append((s, reason))

    def propagate(self) -> None:
        """The whole transition first (settle, next stages, new demand), then the sweep of what nobody wants any
        more."""
        queue, unwanted, phase = self.queue, self.unwanted, self.phase
        while queue or unwanted:
            for i in queue:  # grows while it is walked
                outcome = self.outcomes[i]
                assert outcome is not None
                for c in self.waiters[i]:
                    if phase[c] == WAITING:
                        self.notice(c, i, outcome)
            queue.clear()
            if unwanted:
                i, reason = unwanted.pop()
                if self.want[i] == 0 and phase[i] in (WAITING, RUNNING):
                    self._drop(i, reason)
        if len(self.starts) > 1:
            self.starts.sort()  # file order, whatever order the demand was found in

    def _drop(self, i: int, reason: str) -> None:
        if self._begun(i):
            self.cancels.append(i)
            self.settle(i, Outcome("cancelled", None, reason))
        else:
            self.settle(i, FINISHED_EARLY)

    def _begun(self, i: int) -> bool:
        """The driver runs i's call; not so when it was asked to in this very transition, which is taken back here."""
        if self.phase[i] != RUNNING or not self.plan.calls[i]:
            return False
        if i in self.starts:
            self.starts.remove(i)
            return False
        return True

    def _stop(self, i: int, *, keep_running: bool) -> None:
        """A call that the closing of the run ends."""
        if self.phase[i] not in (WAITING, RUNNING):
            return
        if self._begun(i):
            if keep_running:
                return
            self.cancels.append(i)
        self.settle(i, Outcome("cancelled", None, self.closed))

    # --- an input settled ---------------------------------------------------------------------------------------------

    def notice(self, c: int, i: int, outcome: Outcome, fresh: list[int] | None = None) -> None:
        """Input i of the waiting node c is settled. Nodes to wake go to `fresh`, or are woken at once."""
        plan = self.plan
        if i == plan.backups[c] and i not in self.demands[c]:
            return
        self.pending[c] -= 1
        wake: list[int] = []
        if self.stage[c] == 0:
            if self.pending[c] == 0:
                wake = self._judge(c)
        elif plan.group_waits[c] is not None:
            wake = groups.notice(self, c, outcome)
        elif plan.first_waits[c] is not None:
            wake = options.notice(self, c, i, outcome)
        elif outcome.value is None and i in plan.required[c] and not self._excused(outcome):
            self._lose(c, i, outcome)
        elif self.pending[c] == 0:
            self._ready(c)
        if wake:
            fresh.extend(wake) if fresh is not None else self.demand(wake)

    def _lose(self, c: int, i: int, outcome: Outcome) -> None:
        """A required input has no value. Judged when all are settled if it was skipped: a failed one wins over it."""
        if outcome.state != "skipped":
            self.settle(c, Outcome("failed", None, f"upstream:{self.plan.ids[i]}"))
            return
        self.skips[c] += 1
        if self.pending[c] == 0:
            self._ready(c)

    def _excused(self, outcome: Outcome) -> bool:
        """What the closing of the run ended counts as an absent optional input."""
        return bool(self.closed) and outcome.reason == self.closed

    def _ready(self, c: int) -> None:
        """All inputs are settled and none of them forbids to start."""
        plan = self.plan
        if self.skips[c]:
            lost = next(s for s in plan.sources[c] if s in plan.required[c] and self._skipped(s))
            self.settle(c, Outcome("skipped", None, f"upstream:{plan.ids[lost]}"))
            return
        drafts = plan.draft_sources[c]
        if drafts is not None and not any(self.has_value(s) for s in drafts):
            self.settle(c, Outcome("failed", None, "no_input", "no draft is left to work on"))
            return
        self.start(c)

    def start(self, c: int) -> None:
        """Ask the driver to run c."""
        if self.ended and self.plan.calls[c]:
            self.settle(c, Outcome("cancelled", None, self.closed))
            return
        self.phase[c] = RUNNING
        self.starts.append(c)

    def arm(self, timer: Timer, seconds: float) -> None:
        """Ask the driver for a timer, once."""
        if timer not in self.armed:
            self.armed.add(timer)
            self.arms.append((timer, seconds))

    def has_value(self, s: int) -> bool:
        outcome = self.outcomes[s]
        return outcome is not None and outcome.value is not None

    def _skipped(self, s: int) -> bool:
        outcome = self.outcomes[s]
        return outcome is not None and outcome.state == "skipped"
