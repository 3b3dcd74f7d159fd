"""One run's way through its plan: who is demanded, who may start, who is no longer wanted. Sans I/O.

It is told `started, first_content, finished, fired, close, end` and answers in four lists that the driver drains:
`starts`, `cancels`, `arms` (timer, seconds) and `settled` (nodes it settled by itself). Counters, never a rescan. A
node passes at most two stages of demand: `before` (the nodes its `when` and `after` name), then its inputs; a fallback
demands one option at a time (`graph/options`) and a sample with `stop` one window (`graph/groups`). How any other node
waits stands in `graph/plain`, who is let go in `graph/wanted`, how a run is closed early in `graph/closing`.
"""

from __future__ import annotations

from fusion_graph.graph import closing, groups, options, plain, wanted
from fusion_graph.graph.choosing import Choosing
from fusion_graph.graph.conditions import holds
from fusion_graph.graph.plan import DONE, IDLE, RUNNING, WAITING, Plan, Timer
from fusion_graph.graph.state import NodeState
from fusion_graph.outputs import Outcome
from fusion_graph.pipeline import Condition


class Progress:
    """The state of one run. Names without underscore are for the driver and the files named above."""

    __slots__ = (
        "_choosing", "arms", "cancels", "closed", "decided", "ended", "plan", "queue", "settled", "starts", "states",
        "unwanted",
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
            self.states = [NodeState() for _ in plan.ids]
            self.starts: list[int] = []
            self.settled: list[int] = []
        else:
            self.states = [state.copy() for state in opening.states]
            self.starts, self.settled = [*opening.starts], [*opening.settled]

    @property
    def choosing(self) -> Choosing:
        """Made when it is first asked for: a run in which nothing goes wrong and nobody listens has none."""
        if self._choosing is None:
            self._choosing = Choosing()
        return self._choosing

    @property
    def spares(self) -> bool:
        """A call goes on that nobody waits for but somebody may."""
        return self._choosing is not None and bool(self._choosing.spared)

    def late(self, c: int) -> tuple[int, ...]:
        """The members that the join c left behind when it closed."""
        return () if self._choosing is None else self._choosing.late.get(c, ())

    def begin(self) -> None:
        """Demand the output. What that comes to is the same in every run of a plan, so it is done once."""
        if self.states[self.plan.output].phase == IDLE:
            self.demand([self.plan.output])
            self.propagate()

    # --- what the driver tells ----------------------------------------------------------------------------------------

    def finished(self, i: int, outcome: Outcome) -> None:
        """Node i ended. Ignored when the plan settled it in the meantime (it was cancelled)."""
        states = self.states
        ended = states[i]
        if ended.phase == DONE:
            return
        ended.phase, ended.outcome = DONE, outcome
        patient, decides = self.plan.patient, outcome.value is None or bool(self.closed)
        for c in ended.waiters:
            waiter = states[c]
            if waiter.phase != WAITING:
                continue
            if decides or waiter.pending < 2 or not patient[c]:
                self.notice(c, i, outcome)
            else:  # nothing can be decided yet
                waiter.pending -= 1
                waiter.good += 1
        if self.queue or self.unwanted or self.spares:
            self.propagate()
        elif len(self.starts) > 1:
            self.starts.sort()

    def started(self, i: int) -> None:
        """Node i's first call is under way: the hedge timers that run from its start begin."""
        self.choosing.begun.add(i)
        for c in self.states[i].waiters:
            options.arm(self, c, i)

    def unlaunched(self, i: int) -> None:
        """The arm i of a hedge does not fit what the run may spend."""
        if self.states[i].phase == RUNNING:
            wanted.unlaunch(self, i)

    def first_content(self, i: int) -> None:
        """The text of node i has begun to reach the caller: from here nothing may replace it."""
        options.commit(self, i)
        self.propagate()

    def fired(self, timer: Timer) -> None:
        """A timer ran out; a stale one does nothing."""
        c = timer.node
        if self.states[c].phase != WAITING or self.closed:
            return
        if timer.kind == "grace":
            groups.close(self, c)
        elif options.can_hedge(self, c) and self.states[timer.option].phase != DONE:
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
            state = self.states[i]
            if state.phase != IDLE:
                continue
            state.phase = WAITING
            if self.closed and plan.calls[i] and (self.ended or i not in plan.writers):
                self.settle(i, Outcome("cancelled", None, self.closed))
                continue
            stack.extend((self.ask(i, plan.before[i]) if plan.before[i] else self._judge(i))[::-1])

    def ask(self, c: int, sources: tuple[int, ...]) -> list[int]:
        """Register c's demand for the sources; the idle ones are returned, to be woken by the caller."""
        fresh: list[int] = []
        states = self.states
        asking = states[c]
        asking.demands += sources
        asking.pending += len(sources)
        for s in sources:
            state = states[s]
            if state.phase != DONE:
                state.waiters += (c,)
                if state.phase == IDLE:
                    fresh.append(s)
        for s in sources:
            outcome = states[s].outcome
            if outcome is not None and asking.phase == WAITING:
                self.notice(c, s, outcome, fresh)
        return fresh

    def is_wanted(self, s: int) -> bool:
        return bool(self.states[s].waiters) or s == self.plan.output

    def _judge(self, c: int) -> list[int]:
        """`before` is settled: the condition decides whether c demands its inputs."""
        plan = self.plan
        condition = plan.conditions[c]
        if condition is not None and not self._holds(condition):
            self.settle(c, Outcome("skipped", None, "when"))
            return []
        state = self.states[c]
        state.stage, state.demands, state.pending, state.good = 1, (), 0, 0
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
        return holds(condition, lambda node: self.states[index[node]].outcome, self.plan.params)

    # --- settling -----------------------------------------------------------------------------------------------------

    def settle(self, i: int, outcome: Outcome) -> None:
        """The plan itself ends node i. Who waits for it hears at the next `propagate`."""
        self.settled.append(i)
        state = self.states[i]
        state.phase, state.outcome = DONE, outcome
        if state.pending:
            self.withdraw(i, reason="not_needed")
        self.queue.append(i)

    def withdraw(self, c: int, *, reason: str, keep: int = -1) -> None:
        """c waits no longer for what it demanded and has not got; whoever is then unwanted is swept later."""
        for s in {*self.states[c].demands, self.plan.backups[c]} - {-1, keep}:
            state = self.states[s]
            if state.phase != DONE and c in state.waiters:
                state.waiters = tuple([w for w in state.waiters if w != c])
                if not self.is_wanted(s):
                    self.unwanted.append((s, reason))

    def propagate(self) -> None:
        """The whole transition first (settle, next stages, new demand), then the sweep of what nobody wants any
        more."""
        queue, unwanted, states = self.queue, self.unwanted, self.states
        while queue or unwanted or self.spares:
            for i in queue:  # grows while it is walked
                outcome = states[i].outcome
                assert outcome is not None
                for c in states[i].waiters:
                    if states[c].phase == WAITING:
                        self.notice(c, i, outcome)
            queue.clear()
            if unwanted:
                i, reason = unwanted.pop()
                if states[i].phase in (WAITING, RUNNING) and not self.is_wanted(i):
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
        plan, state = self.plan, self.states[c]
        if i == plan.backups[c] and i not in state.demands:
            return
        state.pending -= 1
        wake: list[int] = []
        if state.stage == 0:
            if state.pending == 0:
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
        self.states[c].phase = RUNNING
        self.starts.append(c)

    def arm(self, timer: Timer, seconds: float) -> None:
        """Ask the driver for a timer, once."""
        armed = self.choosing.armed
        if timer not in armed:
            armed.add(timer)
            self.arms.append((timer, seconds))

    def has_value(self, s: int) -> bool:
        outcome = self.states[s].outcome
        return outcome is not None and outcome.value is not None
