"""One run's way through its plan: who is demanded, who may start, who is no longer wanted. Sans I/O.

It is told `started, first_content, finished, fired, close, end` and answers in four lists that the driver drains:
`starts`, `cancels`, `arms` (timer, seconds) and `settled` (nodes it settled by itself). Counters by node index, never a
rescan. A node passes at most two stages of demand: `before` (the nodes its `when` and `after` name), then its inputs; a
fallback demands one option at a time (`graph/options`) and a sample with `stop` one window (`graph/groups`). How any
other node waits stands in `graph/plain`, who is let go in `graph/wanted`, how a run is closed early in `graph/closing`.
"""

from __future__ import annotations

from fusion_graph.graph import closing, groups, options, plain, wanted
from fusion_graph.graph.choosing import Choosing
from fusion_graph.graph.conditions import holds
from fusion_graph.graph.plan import DONE, IDLE, RUNNING, WAITING, Plan, Timer
from fusion_graph.outputs import Outcome
from fusion_graph.pipeline import Condition


class Progress:
    """The state of one run. Names without underscore are for the driver and for `groups` and `options`."""

    __slots__ = (
        "_choosing", "arms", "asked", "cancels", "chosen", "closed", "decided", "demands", "ended", "good", "outcomes",
        "pending", "phase", "plan", "queue", "settled", "skips", "stage", "starts", "unwanted", "waiters",
    )  # fmt: skip

    def __init__(
        self, plan: Plan, opening: Progress | None = None, decided: dict[int, tuple[int, ...]] | None = None
    ) -> None:
        """`opening`: one of the same plan that has begun, and nothing more; this one then begins where it stands.
        `decided`: members or option that an earlier try of this run settled on."""
        self.plan = plan
        self.decided = decided or {}
        self.closed = ""
        self.ended = False
        self.cancels: list[int] = []
        self.arms: list[tuple[Timer, float]] = []
        self.queue: list[int] = []
        self.unwanted: list[tuple[int, str]] = []
        self._choosing: Choosing | None = None
        if opening is None or decided:
            self._blank(len(plan.ids))
        else:
            self._copy(opening)

    def _blank(self, n: int) -> None:
        self.phase: list[int] = [IDLE] * n
        self.outcomes: list[Outcome | None] = [None] * n
        self.chosen: list[tuple[int, ...]] = [()] * n  # a join's members, a fallback's option and its aids
        self.stage: list[int] = [0] * n  # 0 before, 1 inputs
        self.asked: list[int] = [0] * n  # how many options or members were demanded
        self.pending: list[int] = [0] * n  # demanded in this stage and not settled
        self.waiters: list[tuple[int, ...]] = [()] * n  # who waits for this one
        self.demands: list[tuple[int, ...]] = [()] * n
        self.good: list[int] = [0] * n  # of these: settled with a value
        self.skips: list[int] = [0] * n  # of these: skipped
        self.starts: list[int] = []
        self.settled: list[int] = []

    def _copy(self, opened: Progress) -> None:
        self.phase, self.stage, self.asked = [*opened.phase], [*opened.stage], [*opened.asked]
        self.outcomes, self.chosen, self.pending = [*opened.outcomes], [*opened.chosen], [*opened.pending]
        self.waiters, self.demands = [*opened.waiters], [*opened.demands]
        self.good, self.skips = [*opened.good], [*opened.skips]
        self.starts, self.settled = [*opened.starts], [*opened.settled]

    @property
    def choosing(self) -> Choosing:
        """Made when it is first asked for: most runs need none."""
        if self._choosing is None:
            self._choosing = Choosing()
        return self._choosing

    @property
    def spares(self) -> bool:
        return self._choosing is not None and bool(self._choosing.spared)

    def late(self, c: int) -> tuple[int, ...]:
        """The members that the join c left behind when it closed."""
        return () if self._choosing is None else self._choosing.late.get(c, ())

    def begin(self) -> None:
        """Demand the output. What that comes to is the same in every run of a plan, so it is done once."""
        if self.phase[self.plan.output] == IDLE:
            self.demand([self.plan.output])
            self.propagate()

    # --- what the driver tells ----------------------------------------------------------------------------------------

    def finished(self, i: int, outcome: Outcome) -> None:
        """Node i ended. Ignored when the plan settled it in the meantime (it was cancelled)."""
        phase = self.phase
        if phase[i] == DONE:
            return
        phase[i] = DONE
        self.outcomes[i] = outcome
        pending, patient, decides = self.pending, self.plan.patient, outcome.value is None or self.closed
        for c in self.waiters[i]:
            if phase[c] != WAITING:
                continue
            if decides or pending[c] < 2 or not patient[c]:
                self.notice(c, i, outcome)
            else:  # nothing can be decided yet
                pending[c] -= 1
                self.good[c] += 1
        if self.queue or self.unwanted or self.spares:
            self.propagate()
        elif len(self.starts) > 1:
            self.starts.sort()

    def started(self, i: int) -> None:
        """Node i's first call is under way: the hedge timers that run from its start begin."""
        self.choosing.begun.add(i)
        for c in self.waiters[i]:
            options.arm(self, c, i)

    def unlaunched(self, i: int) -> None:
        """The arm i of a hedge does not fit what the run may spend."""
        if self.phase[i] == RUNNING:
            wanted.unlaunch(self, i)

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

    def close(self, reason: str) -> bool:
        """Stop waiting: what is there is used (semantics 4). False: that was done before."""
        return closing.close(self, reason)

    def end(self, reason: str) -> None:
        """All calls end now."""
        closing.end(self, reason)

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
                self.waiters[s] += (c,)
                if phase[s] == IDLE:
                    fresh.append(s)
        for s in sources:
            outcome = self.outcomes[s]
            if outcome is not None and phase[c] == WAITING:
                self.notice(c, s, outcome, fresh)
        return fresh

    def is_wanted(self, s: int) -> bool:
        return bool(self.waiters[s]) or s == self.plan.output

    def _judge(self, c: int) -> list[int]:
        """`before` is settled: the condition decides whether c demands its inputs."""
        plan = self.plan
        condition = plan.conditions[c]
        if condition is not None and not self._holds(condition):
            self.settle(c, Outcome("skipped", None, "when"))
            return []
        self.stage[c], self.demands[c], self.pending[c], self.good[c] = 1, (), 0, 0
        if plan.first_waits[c] is not None:
            return options.take(self, c)
        wait = plan.group_waits[c]
        if wait is not None:
            return groups.take(self, c, wait)
        if not plan.sources[c]:
            plain.ready(self, c)
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
                if not self.is_wanted(s):
                    self.unwanted.append((s, reason))

    def propagate(self) -> None:
        """The whole transition first (settle, next stages, new demand), then the sweep of what nobody wants any
        more."""
        queue, unwanted, phase = self.queue, self.unwanted, self.phase
        while queue or unwanted or self.spares:
            for i in queue:  # grows while it is walked
                outcome = self.outcomes[i]
                assert outcome is not None
                for c in self.waiters[i]:
                    if phase[c] == WAITING:
                        self.notice(c, i, outcome)
            queue.clear()
            if unwanted:
                i, reason = unwanted.pop()
                if phase[i] in (WAITING, RUNNING) and not self.is_wanted(i):
                    wanted.let_go(self, i, reason)
            elif self.spares:
                wanted.review(self)
                if not unwanted:
                    break
        if len(self.starts) > 1:
            self.starts.sort()  # file order, whatever order the demand was found in

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
        else:
            plain.notice(self, c, i, outcome)
        if wake:
            fresh.extend(wake) if fresh is not None else self.demand(wake)

    def start(self, c: int) -> None:
        """Ask the driver to run c."""
        if self.ended and self.plan.calls[c]:
            self.settle(c, Outcome("cancelled", None, self.closed))
            return
        self.phase[c] = RUNNING
        self.starts.append(c)

    def arm(self, timer: Timer, seconds: float) -> None:
        """Ask the driver for a timer, once."""
        armed = self.choosing.armed
        if timer not in armed:
            armed.add(timer)
            self.arms.append((timer, seconds))

    def has_value(self, s: int) -> bool:
        outcome = self.outcomes[s]
        return outcome is not None and outcome.value is not None
