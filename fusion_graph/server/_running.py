"""Runs a job for one client, whole or streamed. Whoever leaves takes the run with them; whatever fails is said."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from fusion_graph.contracts import DEPTH
from fusion_graph.engine.report import RunResult
from fusion_graph.errors import LimitsTooSmall, UsageError
from fusion_graph.events import CallFinished, Event, Listener, NodeFinished, TextDelta, ToolDelta
from fusion_graph.server import _journal
from fusion_graph.server._deciding import run as run_job
from fusion_graph.server._errors import Refused, failed_run, filtered, internal, invalid, unavailable
from fusion_graph.server._failures import said_again
from fusion_graph.server._limits import Bill
from fusion_graph.server._replay import CURRENT
from fusion_graph.server._report import fusion_block
from fusion_graph.server._sse import COMMIT_S, Outbox, Pulse, Stream, Way
from fusion_graph.store.door import Caller

if TYPE_CHECKING:
    from fusion_graph.contracts import Sink
    from fusion_graph.messages import Call, Completion, Delta
    from fusion_graph.server._admission import Ticket
    from fusion_graph.server._job import Job
    from fusion_graph.server._limits import Purse
    from fusion_graph.server._service import Exchange
    from fusion_graph.server._wires.speech import Speech


async def run_whole(exchange: Exchange, job: Job, speech: Speech) -> tuple[RunResult, dict[str, Any]]:
    """An answer in one piece, and as it is said. Raises Refused when there is none."""
    service = exchange.service
    async with service.limits.run(exchange.key, job.worst_usd) as purse:
        with await service.admission.place() as ticket:
            _surround(job)
            job = _journal.begin(exchange, job)
            bill = Bill() if exchange.key.budget_usd_per_day is not None else None
            try:
                result = await run_job(service.fusion, job.first, job.bound, job.request, bill)
            except UsageError as error:
                raise _misused(job, error) from None
            except asyncio.CancelledError:
                _remember(exchange, job)
                _cancelled(exchange, job, purse, bill)
                if ticket.was_stopped():
                    raise _stopped() from None
                raise
            finally:
                _surround(None)
        _settle(exchange, job, purse, result)
    if result.error is not None:
        _remember(exchange, job, result)
        raise _failed(exchange, result)
    try:
        said = speech.whole(result, fusion_block(job, result))
    except Refused:
        _remember(exchange, job, result)
        raise
    _deliver(exchange, job, result)
    return result, said


async def run_streamed(exchange: Exchange, job: Job, speech: Speech, way: Way) -> None:
    """An answer as it is written. Raises Refused only while no status has left."""
    service = exchange.service
    async with service.limits.run(exchange.key, job.worst_usd) as purse:
        with await service.admission.place() as ticket:
            await _Streaming(exchange, job, speech, way, ticket, purse).answer()


def open_stream(exchange: Exchange, outbox: Outbox | None = None) -> Stream:
    """The way to the client of this request."""
    write_s = exchange.service.options.write_s
    return Stream(exchange.request, exchange.head, outbox or Outbox(), write_s=write_s)


class _Streaming:
    """One streamed run: a task runs it, ours sends what it says."""

    def __init__(self, exchange: Exchange, job: Job, speech: Speech, way: Way, ticket: Ticket, purse: Purse) -> None:
        self._exchange = exchange
        self._job = job
        self._speech = speech
        self._ticket = ticket
        self._purse = purse
        self._way = way
        self._pulse = Pulse(way.outbox, speech.beat)
        self._bill = Bill() if exchange.key.budget_usd_per_day is not None else None
        self._committed = False
        self._delivered = False
        self._result: RunResult | None = None

    async def answer(self) -> None:
        exchange = self._exchange
        self._job = job = _journal.begin(exchange, self._job)
        _surround(job)
        run = asyncio.ensure_future(
            run_job(exchange.service.fusion, job.first, job.bound, job.request, self._listener())
        )
        run.add_done_callback(lambda _run: self._way.outbox.close())
        try:
            await self._send(run)
        except asyncio.CancelledError:
            if not self._ticket.was_stopped():
                raise
            await self._fail(_stopped())
        finally:
            _surround(None)
            self._pulse.end()
            self._way.end()
            if not run.done():
                run.cancel()
                await asyncio.wait([run])
                _cancelled(exchange, job, self._purse, self._bill)
            if not self._delivered:
                _remember(exchange, job, self._result)

    async def _send(self, run: asyncio.Future[RunResult]) -> None:
        """Wait for something to say, then say it all."""
        await self._way.outbox.wait(COMMIT_S)
        if not self._way.outbox.closed:
            await self._commit()
            await self._way.relay()
        try:
            result = await run
        except UsageError as error:
            await self._fail(_misused(self._job, error))
            return
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if not self._committed:
                raise
            self._exchange.told["bug"] = type(error).__name__
            await self._fail(internal())
            return
        self._result = result
        _settle(self._exchange, self._job, self._purse, result)
        if result.error is not None:
            await self._fail(_failed(self._exchange, result))
            return
        if not self._committed:
            await self._commit()
        try:
            last = self._speech.end(result, fusion_block(self._job, result))
        except Refused as refused:
            await self._fail(refused)
            return
        await self._way.finish(last)
        self._delivered = True
        _deliver(self._exchange, self._job, result)

    async def _commit(self) -> None:
        self._committed = True
        self._pulse.begin()
        await self._way.begin()

    async def _fail(self, refused: Refused) -> None:
        """A true status while none has left, else an error event: never a clean end."""
        if not self._committed:
            raise refused
        self._exchange.failed = refused
        self._exchange.note(failed=refused.code, status_meant=refused.http_status)
        await self._way.fail(self._speech.failed(refused))

    def _listener(self) -> Listener:
        put, speech, bill = self._way.outbox.put, self._speech, self._bill
        watches = speech.watches
        if watches:
            caller = Caller()
            self._job.recall.overhear = partial(_overhear, caller, self._way.outbox, speech)

        def listen(event: Event) -> None:
            if bill is not None:
                bill(event)
            if isinstance(event, TextDelta):
                put(speech.text(event.text, event.choice))
            elif isinstance(event, ToolDelta):
                put(speech.calls(event.pieces, event.choice))
            elif watches:
                caller(event)
                put(speech.event(event))

        return listen


def _overhear(caller: Caller, outbox: Outbox, speech: Speech, call: Call, sink: Sink) -> Sink:
    """A sink that also tells the client, of texts that are whole with this call: no notes, no turns with tools."""
    node = caller.node(call)
    if call.purpose != "final":
        return sink

    def tee(delta: Delta) -> None:
        sink(delta)
        if not delta.whole:
            outbox.put(speech.hear(node, delta, outbox.roomy))

    return tee


def _surround(job: Job | None) -> None:
    """What the run's calls find around them, wherever they are made; None when it is over, as the next request of the
    connection comes to the same task."""
    CURRENT.set(None if job is None else job.recall)
    DEPTH.set(0 if job is None else job.depth)


def _cancelled(exchange: Exchange, job: Job, purse: Purse, bill: Bill | None) -> None:
    """Its client has left, or the server ends: what the calls cost until then is booked."""
    exchange.service.metrics.count("runs_total", job.served.id, "cancelled")
    if exchange.service.telemetry is not None:
        exchange.service.telemetry.cancelled(job.served.id)
    exchange.told["state"] = "cancelled"
    if bill is not None:
        purse.cost_usd = bill.cost_usd


def _settle(exchange: Exchange, job: Job, purse: Purse, result: RunResult) -> None:
    """Accounts, metrics and the log learn how it ended."""
    told, tally = exchange.told, result.tally
    purse.cost_usd = tally.cost_usd
    _journal.conclude(job, result)
    exchange.service.metrics.run(job.served.id, result)
    if exchange.service.telemetry is not None:
        exchange.service.telemetry.tell(job.served.id, result, job.asked.messages)
    told["state"] = result.state
    if tally.cost_usd is not None:
        told["cost_usd"] = tally.cost_usd
    told["tokens"] = tally.usage.total_tokens
    if result.degraded:
        told["degraded"] = len(result.degraded)
    if tally.simulated:
        told["simulated"] = True
    if exchange.service.options.log_content:
        answer = "" if result.answer is None else result.answer.text
        exchange.note(prompt=[m.text for m in job.asked.messages], answer=answer)


def _remember(exchange: Exchange, job: Job, result: RunResult | None = None) -> None:
    """It was not delivered: what was paid for is kept for the next try, but for what was of no use, and for an answer
    that could not be said."""
    if result is not None:
        job.recall.keep_only(_useful(result))
    exchange.service.replays.keep(exchange.key.name, job.asked.messages, job.recall)
    job.recall.clear()


def _useful(result: RunResult) -> list[Completion]:
    """Replies of a run that was not delivered, worth having again: what its nodes took, but for those that could make
    nothing of it, and the answer where there is one, as this wire has no words for it."""
    at_a_loss = {e.node for e in result.events if isinstance(e, NodeFinished) and e.reason == "abstained"}
    unsaid = result.answer.tool_calls if result.answer else ()
    taken = [e for e in result.events if isinstance(e, CallFinished) and e.node not in at_a_loss]
    return [e.completion for e in taken if not unsaid or e.completion.tool_calls != unsaid]


def _failed(exchange: Exchange, result: RunResult) -> Refused:
    """What the client is told of a run without an answer, which may have failed before."""
    return said_again(failed_run(result), exchange.tries, insistent=exchange.insistent)


def _deliver(exchange: Exchange, job: Job, result: RunResult) -> None:
    """It was delivered: the same question again is a new run. Clients that send everything again do so too when a
    filter ended the answer, which it would end again."""
    exchange.service.replays.drop(exchange.key.name, job.asked.messages)
    if exchange.insistent and result.answer is not None and result.answer.finish_reason == "content_filter":
        exchange.failed = filtered()
    if job.recall.used:
        exchange.count_replay("store")
    job.recall.clear()


def _misused(job: Job, error: UsageError) -> Refused:
    """The engine refuses a run before it spends anything. What the request chose is its own fault; what the file says
    is not."""
    if job.request.n > 1 and error.message.startswith("n > 1"):
        return invalid("n above 1 needs a pipeline whose writer streams", "n")
    if isinstance(error, LimitsTooSmall):
        where = "fusion" if job.changed else None
        return invalid(f"this request does not fit the pipeline's limits: {error.message}", where)
    if job.changed:
        return invalid(f"this pipeline cannot run so: {error.message}", "fusion")
    return Refused(502, "upstream_error", "this pipeline cannot run as it is set up", code="not_ready", retry=False)


def _stopped() -> Refused:
    return unavailable("the server is shutting down", "draining")
