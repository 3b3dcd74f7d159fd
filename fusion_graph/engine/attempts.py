"""One call of a node, as the attempts it is made of: what is asked, and what an attempt that begins or ends means for
the run. It waits for nothing, `calls` does; whether there is another attempt says `retries`.

Before an answer's first token everything may be retried or replaced; after it nothing is (semantics 1 and 4, wire
contract section 4).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from fusion_graph.engine import billing
from fusion_graph.engine.acceptance import accept
from fusion_graph.engine.memory import Keeping, recall
from fusion_graph.engine.sampling import sampling_for
from fusion_graph.engine.watchdog import look
from fusion_graph.errors import NodeFailed, ProviderError, Transient
from fusion_graph.events import CallStarted, FirstToken
from fusion_graph.messages import Call, Completion, Delta
from fusion_graph.pipeline import ModelRef, Timeout

if TYPE_CHECKING:
    import asyncio

    from fusion_graph.contracts import Ask
    from fusion_graph.engine.lane import Lane
    from fusion_graph.engine.ledger import Amount
    from fusion_graph.engine.run import Run
    from fusion_graph.pipeline import Node

NEVER = Timeout(first_token_s=inf, idle_s=inf, total_s=inf)  # of a reply that is whole; its provider waits no longer


class CallRun:
    """One call with all its attempts. `number` counts the node's calls from 0, `attempt` all tries from 1, `choice`
    the n texts of a writer. It is what the watchdog watches."""

    attempt = 0
    tried = 0  # attempts at the current model
    arrived = 0  # characters of the current attempt
    began_at = 0.0
    last_at = 0.0
    pause: float | None = None  # seconds until the next attempt, as the event of the last one says
    task: asyncio.Task[Any] | None = None  # one of several calls at once; else the node's own task runs it
    model = ""  # of the current attempt
    under_way = False  # an attempt has begun and not ended
    sent = True  # False while it is only being written down
    reservation: Amount | None = None
    caps: tuple[asyncio.Semaphore, ...] = ()  # what the attempt has taken of the backend's cap and the run's
    failures: tuple[tuple[ModelRef, ProviderError], ...] = ()  # the models that are given up, and why
    was_cut = ""  # why the watchdog or the closing run ended what it waits for
    _relay: Callable[[Delta], None] | None = None
    lane: Lane  # where the current model is asked
    request: Call  # and what

    def __init__(self, run: Run, node: Node, ask: Ask, number: int = 0, choice: int = 0) -> None:
        assert node.model is not None
        self.run = run
        self.node = node
        self.options = node.model
        self.ask = ask
        self.number = number
        self.choice = choice
        self.timeout = node.model.timeout

    def recalled(self) -> Completion | None:
        """The reply, if the run remembers one."""
        return None if self.run.memory is None else recall(self)

    def advance(self) -> bool:
        """Aim at the next attempt: the same model once more, or the first that has not failed. False: no model is left,
        or text of it has been sent. Raises NodeFailed when the run is closing."""
        if self.pause is not None:
            self.pause = None
            return True
        closed, given_up, models = self.run.progress.closed, len(self.failures), self.options.models
        if closed and not given_up:
            self.refuse_late()
        if given_up == len(models) or (given_up and (closed or self.committed)):
            return False
        self.aim(models[given_up])
        return True

    def aim(self, ref: ModelRef) -> Lane:
        """The attempts from here on ask this model."""
        run, ask, slug, backend = self.run, self.ask, ref.slug, ref.backend
        sampling, draw = sampling_for(run, self.node, ask, self.choice)
        self.lane = lane = run.services.lanes[backend]
        self.request = Call(slug, ask.messages, sampling, draw, ask.purpose)
        self.model = str(ref) if backend else slug
        self.tried = 0
        return lane

    @property
    def writes(self) -> bool:
        """The call's text may be the answer."""
        return self.ask.purpose != "note" and self.node.index in self.run.bound.writers

    @property
    def committed(self) -> bool:
        """Text of this node has reached the caller: nothing may replace it any more."""
        live = self.run.live
        return live is not None and live.node == self.node.index and self.ask.purpose == "final"

    def refuse_late(self) -> None:
        """A closing run begins no call but the writers' own text (semantics 4)."""
        progress = self.run.progress
        if progress.closed and (progress.ended or not self.writes):
            raise NodeFailed(progress.closed, "the run was closing")

    # --- one attempt --------------------------------------------------------------------------------------------------

    @property
    def must_wait(self) -> bool:
        """A cap, a rate or a cool-down stands before the attempt."""
        lane = self.lane
        return lane.cap is not None or self.run.cap is not None or lane.holds_back

    def send(self) -> Awaitable[Completion]:
        """The attempt leaves; where the run is written down, behind a word that it does. Raises as `begin`."""
        self.begin()
        if self.run.memory is not None:
            return Keeping(self).complete(self.request, self.saw)
        return self.lane.client.complete(self.request, self.saw)

    def begin(self) -> None:
        """It is under way from here on. Raises NodeFailed when its worst case does not fit what the run may spend."""
        run = self.run
        self.tried += 1
        usd = None
        if run.ledger is not None:
            self.reservation = billing.reserve(self)
            usd = self.reservation.usd if run.limits.budget_usd is not None else None
        self.attempt += 1
        if self.attempt > 1:
            self.arrived, self.last_at, self.timeout = 0, 0.0, self.options.timeout
        self.began_at = now = run.clock()
        run.emit((now, CallStarted, self.node.id, self.number, self.attempt, self.model, self.request, usd))
        if run.live is not None or self.ask.purpose == "note" or run.bound.plan.hedged:
            self._announce()
        run.services.watchdog.add(self, now + self.timeout.shortest_s)
        self.under_way = True

    def saw(self, delta: Delta) -> None:
        """A piece of content arrived, or word that no more will."""
        if delta.whole:
            self.timeout = NEVER
            return
        run = self.run
        now = run.clock()
        if not self.last_at:
            run.emit((now, FirstToken, self.node.id, self.number))
        self.last_at = now
        if delta.text:
            self.arrived += len(delta.text)
        if self._relay is not None and (delta.text or delta.tool_calls):
            self._relay(delta)

    def answered(self, completion: Completion) -> Completion:
        """The attempt brought this reply. Raises Unusable for one that does not count."""
        accept(self, completion)
        billing.book(self, completion)
        if self.failures:
            lost, why = self.failures[0]
            action = f"alternate {self.model} answered"
            self.run.degrade(self.node.id, why.reason, f"{lost} failed: {why.message}", action)
        return completion

    def lost(self, raised: BaseException) -> ProviderError | None:
        """Whatever ends an attempt is an event with what it cost. None: a cancellation that was not a cut of ours.
        Nothing that an error keeps may keep this call, which keeps the error: both would wait for the collector."""
        if isinstance(raised, ProviderError):
            error = raised.with_traceback(None)
            error.__cause__ = error.__context__ = None  # their tracebacks hold the frame of the client, and it our sink
        elif self.under_way and self.takes_back():
            error = Transient(self.was_cut, _late_text(self), sent=self.sent)
            self.was_cut = ""
        else:
            if self.under_way:
                billing.fail(self, Transient("cancelled", "not wanted any more", sent=self.sent))
            return None
        if self.under_way:
            billing.fail(self, error)
        self.lane.note(error)
        if self._relay is not None and self.run.live is not None:
            self.run.live.forget(self.node.index, self.choice)
        if self.pause is None:
            self.failures = (*self.failures, (self.options.models[len(self.failures)], error))
        return error

    def end(self) -> None:
        """The attempt is over, however it went."""
        self.under_way = False
        run = self.run
        if self.caps:
            for cap in self.caps:
                cap.release()
            self.caps = ()
        run.services.watchdog.watched.pop(self, None)
        if run.interruptible:
            run.interruptible.pop(self, None)

    def _announce(self) -> None:
        """Whoever waits for an attempt to begin is told of it."""
        run, i = self.run, self.node.index
        if run.live is not None and self.ask.purpose == "final" and not run.bound.held[i]:
            self._relay = run.live.offers(i, self.choice)
        if i in run.bound.plan.hedged and run.request.n == 1:
            run.progress.started(i)
            run.wake()
        if self.ask.purpose == "note":
            run.interruptible[self] = None

    # --- being cut ----------------------------------------------------------------------------------------------------

    def look(self, now: float) -> float:
        """For the watchdog."""
        return look(self, now)

    def cut(self, reason: str) -> None:
        """End the attempt or the wait in progress with this reason (the watchdog, or the run is closing)."""
        if reason == "timeout_attempt" and self.writes and self.run.progress.closed == "deadline":
            self.timeout = replace(self.timeout, total_s=inf)  # a writer's last attempt has all the time that is left
            return
        task = self._own_task()
        if task is not None and not self.was_cut:
            self.was_cut = reason
            task.cancel()

    def close(self, reason: str) -> None:
        """The run is closing: a wait or a note ends, unless it is paid for and may finish; a writer goes on at the
        deadline."""
        if not (self in self.run.services.watchdog.watched if reason == "budget" else self.writes):
            self.cut(reason)

    def takes_back(self) -> bool:
        """The cancellation came from `cut` and from nobody else; it is then as if it had not been."""
        task = self._own_task()
        return bool(self.was_cut) and task is not None and task.uncancel() == 0

    def _own_task(self) -> asyncio.Task[Any] | None:
        return self.task or self.run.tasks[self.node.index]


def _late_text(call: CallRun) -> str:
    limits = call.timeout
    return {
        "timeout_first_token": f"no content within {limits.first_token_s:g} s",
        "timeout_idle": f"no content for {limits.idle_s:g} s",
        "timeout_attempt": f"not finished within {limits.total_s:g} s",
    }.get(call.was_cut, f"cut short: {call.was_cut}")
