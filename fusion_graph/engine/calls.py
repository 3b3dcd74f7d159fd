"""One call of a node: attempts, retries, alternates, timeouts, caps, and the events that tell of them.

The only retry loop of the package (semantics 1 and 4, wire contract section 4). Before an answer's first token
everything may be retried or replaced; after it nothing is.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from fusion_graph.engine import billing, memory
from fusion_graph.engine.acceptance import Unusable, accept
from fusion_graph.engine.sampling import sampling_for
from fusion_graph.errors import NodeFailed, ProviderError, Transient
from fusion_graph.events import CallStarted, FirstToken
from fusion_graph.messages import Call, Completion, Delta
from fusion_graph.pipeline import ModelRef, Node

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fusion_graph.contracts import Ask
    from fusion_graph.engine.lanes import Lane
    from fusion_graph.engine.ledger import Amount
    from fusion_graph.engine.run import Run

BACKOFF_CAP_S = 8.0
EMPTY_ATTEMPTS = 2  # an empty reply is asked once more, not as often as a lost connection
UNCHANGED = (0, None, None, (), None)  # the end of an Ask that wants nothing but its messages
EMPTY = frozenset({"empty_output", "unusable:blank"})


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
    _cut = ""
    _relay: Callable[[Delta], None] | None = None

    def __init__(self, run: Run, node: Node, ask: Ask, number: int = 0, choice: int = 0) -> None:
        assert node.model is not None
        self.run = run
        self.node = node
        self.ask = ask
        self.number = number
        self.choice = choice
        self.timeout = node.model.timeout

    def complete(self) -> Awaitable[Completion]:
        """A usable reply of the node's model, else of its alternates in order. Raises NodeFailed."""
        return self.buy() if self.run.memory is None else memory.complete(self)

    async def buy(self) -> Completion:
        """The same, by asking the models."""
        run, ask, options = self.run, self.ask, self.node.model
        assert options is not None
        if run.progress.closed:
            self._refuse_late()
        sends = run.bound.sends[self.node.index] if run.unasked and ask[2:] == UNCHANGED else None
        sampling, draw = sends or sampling_for(run, self.node, ask, self.choice)
        failures: tuple[tuple[ModelRef, ProviderError], ...] = ()
        watched = run.services.watchdog.watched
        for ref in options.models:
            lane = run.services.lanes[ref.backend]
            call = Call(ref.slug, ask.messages, sampling, draw, ask.purpose)
            self.model = str(ref) if ref.backend else ref.slug
            client = lane.client if run.memory is None else memory.Keeping(self, lane)
            while True:
                self.tried += 1
                turn: Sequence[asyncio.Semaphore] = ()
                try:
                    if run.cap is not None or lane.bounded or lane.account.troubled:
                        turn = await self._take_turn(lane)
                    self._begin(lane, call)
                    completion = await client.complete(call, self._saw)
                    accept(self, completion)
                    billing.book(self, lane, call, completion)
                except (asyncio.CancelledError, ProviderError) as raised:
                    lost = self._lost(lane, call, raised)
                    if lost is None:
                        raise
                    error = lost
                else:
                    if failures:
                        self._tell_alternate(ref, *failures[0])
                    return completion
                finally:
                    self.under_way = False
                    watched.pop(self, None)
                    if turn or run.interruptible:
                        self._end(turn)
                if self.pause is None:
                    failures = (*failures, (ref, error))
                    break
                await self._nap(self.pause, error)
                self.pause = None
            self.tried = 0
            if self._committed() or run.progress.closed:
                break
        raise _failed(failures)

    def _refuse_late(self) -> None:
        """A closing run begins no call but the writers' own text (semantics 4)."""
        progress = self.run.progress
        if progress.ended or not self.writes:
            raise NodeFailed(progress.closed, "the run was closing")

    def _committed(self) -> bool:
        """Text of this node has reached the caller: nothing may replace it any more."""
        live = self.run.live
        return live is not None and live.node == self.node.index and self.ask.purpose == "final"

    def _tell_alternate(self, ref: ModelRef, lost: ModelRef, why: ProviderError) -> None:
        self.run.degrade(self.node.id, why.reason, f"{lost} failed: {why.message}", f"alternate {ref} answered")

    # --- one attempt --------------------------------------------------------------------------------------------------

    def _begin(self, lane: Lane, call: Call) -> None:
        """The attempt leaves. Raises NodeFailed when its worst case does not fit what the run may spend."""
        run = self.run
        if run.ledger is not None:
            self.reservation = billing.reserve(self, lane, call)
        self.attempt += 1
        if self.attempt > 1:
            self.arrived, self.last_at = 0, 0.0
        self.began_at = now = run.clock()
        run.emit((now, CallStarted, self.node.id, self.number, self.attempt, self.model, call))
        if run.live is not None or call.purpose == "note" or run.bound.plan.hedged:
            self._announce()
        run.services.watchdog.add(self)
        self.under_way = True

    # --- how an attempt ends ------------------------------------------------------------------------------------------

    def _lost(self, lane: Lane, call: Call, raised: BaseException) -> ProviderError | None:
        """Whatever ends an attempt is an event with what it cost. None: a cancellation that was not a cut of ours. No
        frame keeps an error whose traceback keeps that frame: with them a whole call would wait for the collector."""
        if isinstance(raised, ProviderError):
            error = raised.with_traceback(None)
        elif self.under_way and self._was_cut():
            error = Transient(self._cut, _late_text(self), sent=self.sent)
            self._cut = ""
        else:
            if self.under_way:
                billing.fail(self, lane, call, Transient("cancelled", "not wanted any more", sent=self.sent))
            return None
        if self.under_way:
            billing.fail(self, lane, call, error)
        lane.note(error)
        if self._relay is not None and self.run.live is not None:
            self.run.live.forget(self.node.index, self.choice)
        return error

    def _end(self, turn: Sequence[asyncio.Semaphore]) -> None:
        self.run.interruptible.pop(self, None)
        for cap in turn:
            cap.release()

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

    def _saw(self, delta: Delta) -> None:
        """A piece of content arrived."""
        run = self.run
        now = run.clock()
        if not self.last_at:
            run.emit((now, FirstToken, self.node.id, self.number))
        self.last_at = now
        if delta.text:
            self.arrived += len(delta.text)
        if self._relay is not None and (delta.text or delta.tool_calls):
            self._relay(delta)

    # --- waiting and being cut ----------------------------------------------------------------------------------------

    def cut(self, reason: str) -> None:
        """End the attempt or the wait in progress with this reason (the watchdog, or the run is closing)."""
        if reason == "timeout_attempt" and self.writes and self.run.progress.closed == "deadline":
            self.timeout = replace(self.timeout, total_s=inf)  # a writer's last attempt has all the time that is left
            self.run.services.watchdog.add(self)
            return
        task = self._own_task()
        if task is not None and not self._cut:
            self._cut = reason
            task.cancel()

    def close(self, reason: str) -> None:
        """The run is closing: a wait or a note ends, unless it is paid for and may finish; a writer goes on at the
        deadline."""
        if not (self in self.run.services.watchdog.watched if reason == "budget" else self.writes):
            self.cut(reason)

    @property
    def writes(self) -> bool:
        """The call's text may be the answer."""
        return self.ask.purpose != "note" and self.node.index in self.run.bound.writers

    def _was_cut(self) -> bool:
        """The cancellation came from `cut` and from nobody else."""
        task = self._own_task()
        return bool(self._cut) and task is not None and task.uncancel() == 0

    def _own_task(self) -> asyncio.Task[Any] | None:
        return self.task or self.run.tasks[self.node.index]

    async def _take_turn(self, lane: Lane) -> Sequence[asyncio.Semaphore]:
        """Wait until the caps of the backend and the run let the attempt go; gives what is to be released after it. A
        wait beyond the deadline is a failure at once."""
        run = self.run
        while lane.holds_back and (delay := lane.delay_s()) > 0:  # cool-down and request rate of the backend
            error = Transient("rate_limited", f"backend {lane.backend.name!r} asks to wait {delay:.1f} s", sent=False)
            if self._too_long(delay):
                raise error
            await self._nap(delay, error)
        taken: list[asyncio.Semaphore] = []
        try:
            for cap in filter(None, (lane.cap, run.cap)):  # who waits for a backend holds no slot of the run
                await cap.acquire()
                taken.append(cap)
            if run.progress.closed:
                self._refuse_late()
        except BaseException:
            for cap in taken:
                cap.release()
            raise
        return taken

    async def _nap(self, seconds: float, error: ProviderError) -> None:
        self.run.interruptible[self] = None
        try:
            await self.run.services.sleep(seconds)
        except asyncio.CancelledError:
            if self._was_cut():
                raise _failed([(self.node.model.model, error)]) from None  # type: ignore[union-attr]
            raise
        finally:
            self.run.interruptible.pop(self, None)
            self._cut = ""
        if self.run.progress.closed:
            self._refuse_late()

    def next_wait(self, error: ProviderError) -> float | None:
        """Seconds until the next attempt at the same model; None when there is none."""
        options = self.node.model
        assert options is not None
        attempts = min(options.retry.attempts, EMPTY_ATTEMPTS) if error.reason in EMPTY else options.retry.attempts
        if not error.transient or self.tried >= attempts or self.run.progress.closed or self._committed():
            return None
        wait = error.retry_after_s
        if wait is None:
            ceiling = min(options.retry.backoff_s * 2 ** (self.tried - 1), BACKOFF_CAP_S)
            wait = random.uniform(0, ceiling)  # noqa: S311 (full jitter, not a secret)
        return None if self._too_long(wait) else wait

    def _too_long(self, seconds: float) -> bool:
        deadline = self.run.deadline
        return deadline is not None and self.run.clock() + seconds >= deadline


def _failed(failures: Sequence[tuple[ModelRef, ProviderError]]) -> NodeFailed:
    """The last failure names the reason; the detail tells of every model."""
    _, last = failures[-1]
    told = "; ".join(f"{ref}: {error.message}" for ref, error in failures)
    return NodeFailed(last.reason, told, text=last.completion.text if isinstance(last, Unusable) else "")


def _late_text(call: CallRun) -> str:
    limits = call.timeout
    return {
        "timeout_first_token": f"no content within {limits.first_token_s:g} s",
        "timeout_idle": f"no content for {limits.idle_s:g} s",
        "timeout_attempt": f"not finished within {limits.total_s:g} s",
    }.get(call._cut, f"cut short: {call._cut}")  # noqa: SLF001 (same module)
